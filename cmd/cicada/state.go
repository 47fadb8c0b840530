package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"time"

	"cicada/identity"
)

// A state is the folder of a peer that runs: its key, whom it knew, and the socket
// that commands reach it by. One peer at a time has it.
type state struct {
	folder string // without links on the way to it
	lock   *os.File
	memory *memory
}

// Names in a state folder.
const (
	identityFile = "identity"
	peersFile    = "peers.json"
	socketFile   = "control.sock"
	lockFile     = "lock"
)

// defaultState returns the folder of the peer at a port, where none is named.
func defaultState(port int) (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" && goruntime.GOOS != "windows" && goruntime.GOOS != "darwin" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", usageError("no folder for the peer's state: %w; name one with --state", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	if base == "" {
		var err error
		if base, err = os.UserConfigDir(); err != nil {
			return "", usageError("no folder for the peer's state: %w; name one with --state", err)
		}
	}
	return filepath.Join(base, "cicada", strconv.Itoa(port)), nil
}

// openState makes the folder if need be, for its owner alone, and locks it. It notes
// what keeps it from remembering whom the peer knew.
func openState(named string, note func(format string, arguments ...any)) (*state, error) {
	if err := guardedAbove(named); err != nil { // before anything is made there
		return nil, usageError("--state: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(named), 0o700); err != nil {
		return nil, usageError("--state: %w", err)
	}
	if err := os.Mkdir(named, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, usageError("--state: %w", err)
	}
	folder, err := ownFolder(named)
	if err != nil {
		return nil, usageError("--state: %w", err)
	}
	s := &state{folder: folder}
	if err := regular(s.path(identityFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, usageError("--state: %w; --identity names a key that is elsewhere", err)
	}
	switch s.lock, err = takeLock(folder, os.O_CREATE, lockPatience); {
	case errors.Is(err, errLocked):
		return nil, &codedError{exitRefused, fmt.Errorf("--state %s: another peer runs with it", folder)}
	case err != nil:
		return nil, usageError("--state: %w", err)
	}
	if s.memory, err = recall(s.path(peersFile), note); err != nil {
		return nil, errors.Join(usageError("--state: %w", err), s.close())
	}
	return s, nil
}

// guardedAbove returns an error if others can write to a folder on the way to one that
// need not be there yet: they could put one of theirs in its place. In a sticky folder,
// such as /tmp, they cannot; nor below one of this user's that nobody else gets through.
func guardedAbove(folder string) error {
	if goruntime.GOOS == "windows" {
		return nil
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	above := filepath.Dir(folder)
	for _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) && above != filepath.Dir(above); _, err = os.Stat(above) {
		above = filepath.Dir(above)
	}
	if above, err = withoutLinks(above); err != nil {
		return err
	}
	way := []string{above}
	for above != filepath.Dir(above) {
		above = filepath.Dir(above)
		way = append(way, above)
	}
	for _, at := range slices.Backward(way) {
		info, err := os.Lstat(at)
		switch {
		case err != nil:
			return err
		case othersWrite(info) && info.Mode()&fs.ModeSticky == 0:
			return fmt.Errorf("others can write to %s (mode %04o), and so put a folder of theirs in the place of %s; chmod go-w %s, or name another folder",
				at, info.Mode().Perm(), folder, at)
		case mine(info) && info.Mode().Perm()&0o011 == 0:
			return nil
		}
	}
	return nil
}

// ownFolder returns where a folder really is. It must be this user's, and nobody
// else may write to it, or to one above it: others could put links there in place of
// files.
func ownFolder(named string) (string, error) {
	folder, err := withoutLinks(named)
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(folder)
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s is not a folder", folder)
	case !mine(info):
		return "", fmt.Errorf("%s belongs to another user", folder)
	case goruntime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return "", fmt.Errorf("others can write to %s (mode %04o); chmod 700 %s", folder, info.Mode().Perm(), folder)
	}
	return folder, guardedAbove(folder)
}

// ownSocket returns where the socket is of the peer with a folder. Folder and
// socket must be this user's, or a stranger could pass for the peer. Whether there
// is one shows when it is dialled.
func ownSocket(named string) (string, error) {
	folder, err := ownFolder(named)
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(named, socketFile), nil
	} else if err != nil {
		return "", err
	}
	path := filepath.Join(folder, socketFile)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSocket == 0:
		return "", fmt.Errorf("%s is not a socket", path)
	case !mine(info):
		return "", fmt.Errorf("%s belongs to another user", path)
	}
	return path, nil
}

// regular returns an error that names the file, unless it is a file like any other:
// no link, pipe or device.
func regular(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	return err
}

// openRegular opens a file, or with os.O_CREATE makes it for this user alone, and
// neither follows a link nor waits for the other end of a pipe.
func openRegular(path string, flags int) (*os.File, error) {
	if err := regular(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, flags|carefully, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Times of the lock.
const (
	lockPatience = time.Second / 5       // a command that looks whether it is free has it for a moment
	lockEvery    = 20 * time.Millisecond // between attempts
	endPatience  = 10 * time.Second      // for a peer that was told to leave
)

var errLocked = errors.New("locked")

// takeLock locks a folder for this process, until the file it returns is closed.
// Where another process has it for longer than patience, the error is errLocked.
func takeLock(folder string, create int, patience time.Duration) (*os.File, error) {
	file, err := openRegular(filepath.Join(folder, lockFile), os.O_RDWR|create)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); lockExclusively(file) != nil; <-time.After(lockEvery) {
		if time.Since(began) >= patience {
			file.Close()
			return nil, errLocked
		}
	}
	return file, nil
}

// awaitEnd returns when the peer has ended whose socket is known: its folder is free,
// or has another socket, of the next peer.
func awaitEnd(ctx context.Context, folder string, socket fs.FileInfo) error {
	ctx, cancel := context.WithTimeoutCause(ctx, endPatience,
		&codedError{exitTimeout, fmt.Errorf("the peer was told to leave, and has not ended within %v", endPatience)})
	defer cancel()
	for {
		file, err := takeLock(folder, 0, 0)
		switch {
		case err == nil:
			return file.Close()
		case errors.Is(err, fs.ErrNotExist): // somebody took it away: nothing is left to wait for
			return nil
		case !errors.Is(err, errLocked):
			return err
		}
		now, err := os.Lstat(filepath.Join(folder, socketFile))
		if err == nil && !(os.SameFile(now, socket) && now.ModTime().Equal(socket.ModTime())) {
			return nil
		}
		select {
		case <-time.After(lockEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *state) path(name string) string { return filepath.Join(s.folder, name) }

// close unlocks the folder. The lock's file stays: another process may wait for it.
func (s *state) close() error { return s.lock.Close() }

// key returns the peer's key, and whether it is to be made: there is none yet.
func (s *state) key() (key identity.PrivateKey, missing bool, err error) {
	key, err = identity.LoadKey(s.path(identityFile), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return key, true, nil
	}
	return key, false, err
}
