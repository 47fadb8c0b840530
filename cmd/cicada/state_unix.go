//go:build unix

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// carefully opens no link, and does not wait for the other end of a pipe.
const carefully = unix.O_NOFOLLOW | unix.O_NONBLOCK

// withoutLinks returns where a path leads.
func withoutLinks(path string) (string, error) { return filepath.EvalSymlinks(path) }

// mine reports whether a file belongs to the user that this process runs as. Root
// uses no other's files either: they would decide what it writes where.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// othersWrite reports whether others may write to a folder. A group that has the number
// of the folder's owner is that user's own, as many systems make one for each.
func othersWrite(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	group := !ok || stat.Gid != stat.Uid
	return info.Mode().Perm()&0o002 != 0 || group && info.Mode().Perm()&0o020 != 0
}

// isHeld reports whether lockExclusively failed because another process has the lock.
func isHeld(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }

// lockExclusively locks a file for this process, until it is closed, or fails at once.
func lockExclusively(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
