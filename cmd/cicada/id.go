package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"cicada/identity"
)

type idCommand struct {
	Identity   string `placeholder:"FILE" help:"The key file. Without it: cicada/identity in the user's configuration folder."`
	New        bool   `help:"Make a new key. A file that exists is never written over."`
	Difficulty int    `placeholder:"K" help:"The difficulty of the swarm, in bits (0 to 32)."`
	JSON       bool   `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*idCommand) Help() string { return "Example: cicada id --new --identity /tmp/key1" }

// Run makes or shows an identity.
func (c *idCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	if c.Difficulty < 0 || c.Difficulty > identity.MaxDifficulty {
		return usageError("--difficulty %d: want 0 to %d", c.Difficulty, identity.MaxDifficulty)
	}
	difficulty := uint8(c.Difficulty)
	path, err := c.path()
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return usageError("key file %s is a folder", path)
	}
	var key identity.PrivateKey
	if c.New {
		key, err = c.make(ctx, path, out)
	} else {
		key, err = identity.LoadKey(path, nil)
	}
	if err != nil {
		return c.explain(err, path)
	}
	point, err := identity.PointOf(key.ID(), difficulty)
	if err != nil {
		return fmt.Errorf("key file %s: %w of %d bits: cicada id --new --difficulty %d makes one for it", path, err, c.Difficulty, c.Difficulty)
	}
	out.record(struct {
		ID         identity.ID    `json:"id"`
		Point      identity.Point `json:"point"`
		File       string         `json:"file"`
		Difficulty uint8          `json:"difficulty"`
		New        bool           `json:"new"`
	}{key.ID(), point, path, difficulty, c.New})
	out.say("id     %s", key.ID())
	out.say("point  %s", point)
	out.say("file   %s", path)
	if difficulty > 0 {
		out.say("good in swarms of difficulty up to %d", difficulty)
	}
	return nil
}

// path returns the key file.
func (c *idCommand) path() (string, error) {
	if c.Identity != "" {
		return c.Identity, nil
	}
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", usageError("no folder for the key file: %w; name one with --identity", err)
	}
	return filepath.Join(folder, "cicada", "identity"), nil
}

// make makes a key and the file for it, which must not exist.
func (c *idCommand) make(ctx context.Context, path string, out *console) (identity.PrivateKey, error) {
	if _, err := os.Lstat(path); err == nil { // before the work, not after it
		return identity.PrivateKey{}, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	if c.Identity == "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return identity.PrivateKey{}, err
		}
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return identity.PrivateKey{}, usageError("folder %s does not exist", folder)
	}
	key, err := solve(ctx, uint8(c.Difficulty), out)
	if err != nil {
		return identity.PrivateKey{}, err
	}
	return key, withoutNames(path, identity.SaveKey(path, key, nil))
}

// solve makes a key for a swarm of a difficulty, and shows how far it is.
func solve(ctx context.Context, difficulty uint8, out *console) (identity.PrivateKey, error) {
	expected := math.Exp2(6 + float64(difficulty)) // tries, on average
	if difficulty > 0 {
		out.note("cicada: solving the swarm's puzzle takes about %.0f tries", expected)
	}
	began := time.Now()
	return identity.GenerateKey(ctx, difficulty, func(tries uint64) {
		out.show("   %s", progressOf(tries, expected, time.Since(began)))
	})
}

// progressOf says how far a puzzle is. What is left does not shrink: the next try is as
// likely to be the last as the first one was.
func progressOf(tries uint64, expected float64, took time.Duration) string {
	text := fmt.Sprintf("%d tries of about %.0f", tries, expected)
	rate := float64(tries) / max(took.Seconds(), 1e-9)
	if tries == 0 {
		return text
	}
	return fmt.Sprintf("%s, %.0f a second, on average %s more", text, rate, roughly(expected/rate))
}

// roughly writes seconds in the unit that suits them.
func roughly(seconds float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"days", 24 * 60 * 60}, {"h", 60 * 60}, {"min", 60}} {
		if seconds >= 2*unit.size {
			return fmt.Sprintf("%.0f %s", seconds/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.0f s", math.Ceil(seconds))
}

// withoutNames says what the file system said of path, without the name that
// the file had before it got its own.
func withoutNames(path string, err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file):
		err = file.Err
	case errors.As(err, &link):
		err = link.Err
	default:
		return err
	}
	return fmt.Errorf("key file %s: %w", path, err)
}

// explain adds what to do about it, and the exit code, to what went wrong with a key file.
func (c *idCommand) explain(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return &codedError{exitRefused, fmt.Errorf("key file %s exists, and a new key would end the identity in it: name another file", path)}
	case errors.Is(err, fs.ErrNotExist) && !c.New:
		return &codedError{exitUsage, fmt.Errorf("%w; cicada id --new --identity %s makes one", err, path)}
	case errors.Is(err, identity.ErrKey), errors.Is(err, identity.ErrPermissions),
		errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return &codedError{exitUsage, err}
	}
	return err
}
