//go:build !windows

package identity

import (
	"fmt"
	"os"
)

// restrictFile lets only the owner read and write file.
func restrictFile(file *os.File) error { return file.Chmod(keyFileMode) }

// checkRestricted returns ErrPermissions if group or others have any access to file.
func checkRestricted(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w: its mode is %04o and must be %04o", ErrPermissions, mode, keyFileMode)
	}
	return nil
}

// syncFolder makes a new name in folder last.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
