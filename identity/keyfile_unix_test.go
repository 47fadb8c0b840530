//go:build !windows

package identity_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cicada/identity"
)

func TestFilesThatOthersCanReadAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := identity.SaveKey(path, testKey(1), nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode(), os.FileMode(0o600); got != want {
		t.Errorf("mode of a saved key: got %v, want %v", got, want)
	}
	for _, test := range []struct {
		mode os.FileMode
		want error
	}{
		{0o600, nil}, {0o400, nil}, {0o700, nil},
		{0o640, identity.ErrPermissions}, {0o604, identity.ErrPermissions}, {0o620, identity.ErrPermissions},
		{0o602, identity.ErrPermissions}, {0o601, identity.ErrPermissions}, {0o644, identity.ErrPermissions},
	} {
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		_, keyErr := identity.LoadKey(path, nil)
		_, secretErr := identity.ReadSecret(path)
		for _, err := range []error{keyErr, secretErr} {
			if !errors.Is(err, test.want) {
				t.Errorf("mode %04o: got %v, want %v", test.mode, err, test.want)
			}
			if err != nil && (!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), fmt.Sprintf("%04o", test.mode))) {
				t.Errorf("mode %04o: error %q names not both file and mode", test.mode, err)
			}
		}
	}
}

// Whoever names a pipe gets an error, and does not wait for ever.
func TestPipeIsNoKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no pipes here:", err)
	}
	if _, err := identity.LoadKey(path, nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("got %v, want an error that says it is no regular file", err)
	}
}

// A link that leads nowhere is a name that is taken: nothing is written through it.
func TestSaveKeyDoesNotFollowALink(t *testing.T) {
	folder := t.TempDir()
	path, elsewhere := filepath.Join(folder, "key"), filepath.Join(folder, "elsewhere")
	if err := os.Symlink(elsewhere, path); err != nil {
		t.Fatal(err)
	}
	if err := identity.SaveKey(path, testKey(1), nil); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v, want ErrExist", err)
	}
	expectFiles(t, folder, "key")
}
