package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"cicada/identity"
)

type idCommand struct {
	Identity   string `placeholder:"FILE" help:"The key file. Without it: cicada/identity in the user's configuration folder."`
	New        bool   `help:"Make a new key. A file that exists is never written over."`
	Difficulty uint8  `placeholder:"K" help:"The difficulty of the swarm, in bits (0 to 32)."`
	Swarm      string `default:"cicada" placeholder:"NAME" help:"The name of the swarm."`
	JSON       bool   `name:"json" help:"Write one JSON object a line."`
}

// Run makes or shows an identity.
func (c *idCommand) Run(ctx context.Context, out *console) error {
	out.useJSON(c.JSON)
	s, err := identity.NewSwarm(c.Swarm, c.Difficulty, nil)
	if err != nil {
		return &codedError{exitUsage, err}
	}
	path, err := c.path()
	if err != nil {
		return err
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
	point, err := identity.PointOf(key.ID(), c.Difficulty)
	if err != nil {
		return fmt.Errorf("key file %s: %w of %d bits: make one for it with --new", path, err, c.Difficulty)
	}
	out.record(struct {
		ID         identity.ID    `json:"id"`
		Point      identity.Point `json:"point"`
		File       string         `json:"file"`
		Swarm      string         `json:"swarm"`
		Difficulty uint8          `json:"difficulty"`
		New        bool           `json:"new"`
	}{key.ID(), point, path, s.Name(), s.Difficulty(), c.New})
	out.say("id     %s", key.ID())
	out.say("point  %s", point)
	out.say("file   %s", path)
	out.say("swarm  %s, difficulty %d", s.Name(), s.Difficulty())
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
	expected := math.Exp2(6 + float64(c.Difficulty)) // tries, on average; the difficulty is checked
	if c.Difficulty > 0 {
		out.note("cicada: solving the swarm's puzzle takes about %.0f tries", expected)
	}
	key, err := identity.GenerateKey(ctx, c.Difficulty, func(tries uint64) {
		out.show("   %d of about %.0f tries", tries, expected)
	})
	if err != nil {
		return identity.PrivateKey{}, err
	}
	return key, identity.SaveKey(path, key, nil)
}

// explain adds what to do about it, and the exit code, to what went wrong with a key file.
func (c *idCommand) explain(err error, path string) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return &codedError{exitRefused, fmt.Errorf("key file %s exists, and a new key would end the identity in it: name another file", path)}
	case errors.Is(err, fs.ErrNotExist) && !c.New:
		return &codedError{exitUsage, fmt.Errorf("%w; make a key with --new", err)}
	case errors.Is(err, identity.ErrKey), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return &codedError{exitUsage, err}
	}
	return err
}
