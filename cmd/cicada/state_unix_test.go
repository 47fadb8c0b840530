//go:build unix

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cicada/control"
)

// stranger is a user that no test runs as.
const stranger = 54321

// giveAway makes a file a stranger's, which only root can.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if err := os.Lchown(path, stranger, stranger); err != nil {
		t.Skip("files cannot be given to another user here:", err)
	}
}

// refused returns what running a command line says, which must be a mistake.
func refused(t *testing.T, arguments ...string) string {
	t.Helper()
	var said bytes.Buffer
	if code := run(arguments, &said, &said); code != exitUsage {
		t.Errorf("%q: got exit code %d and %q, want %d", arguments, code, said.String(), exitUsage)
	}
	return said.String()
}

// A stranger's folder is nobody else's, not even root's: nothing is written there,
// and who answers there is not asked.
func TestAFolderOfAnotherUserIsRefused(t *testing.T) {
	folder := shortFolder(t)
	giveAway(t, folder)
	link := filepath.Join(shortFolder(t), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{folder, link} {
		for _, line := range [][]string{{"up", "--bind", "127.0.0.1:0", "--no-port-mapping"}, {"status"}, {"leave"}} {
			if got := refused(t, append(line, "--state", named)...); !strings.Contains(got, folder+" belongs to another user") {
				t.Errorf("%q: got %q", line, got)
			}
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("got %v in the folder, %v, want nothing", left, err)
	}
}

// A socket of a stranger is not asked, nor what is none.
func TestASocketOfAnotherUserIsRefused(t *testing.T) {
	folder := shortFolder(t)
	path := filepath.Join(folder, socketFile)
	for _, wrong := range []func() error{
		func() error { return os.WriteFile(path, nil, 0o600) },
		func() error { return os.Symlink(filepath.Join(folder, "elsewhere"), path) },
	} {
		if err := wrong(); err != nil {
			t.Fatal(err)
		}
		if got := refused(t, "status", "--state", folder); !strings.Contains(got, path+" is not a socket") {
			t.Errorf("got %q", got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	giveAway(t, path)
	if got := refused(t, "status", "--state", folder); !strings.Contains(got, path+" belongs to another user") {
		t.Errorf("got %q", got)
	}
}

// A folder that others can write to is refused by who asks, too.
func TestAFolderThatOthersWriteToIsRefused(t *testing.T) {
	folder := shortFolder(t)
	if err := os.Chmod(folder, 0o770); err != nil {
		t.Fatal(err)
	}
	for _, line := range [][]string{{"up", "--bind", "127.0.0.1:0"}, {"status"}} {
		if got := refused(t, append(line, "--state", folder)...); !strings.Contains(got, "others can write to "+folder) {
			t.Errorf("%q: got %q", line, got)
		}
	}
}

// Nobody else may write to a folder above either, unless it is a sticky one, or out of
// their reach; what is made on the way is this user's alone, and what is there stays.
func TestFoldersAbove(t *testing.T) {
	base := shortFolder(t) // mode 0700
	for _, x := range []struct {
		name    string
		modes   []fs.FileMode // of base and of the folders below it
		stray   bool          // the group is not of this user alone
		refused int           // the number of the one that is named; -1: none
	}{
		{"all may write", []fs.FileMode{0o755, 0o777, 0o755}, false, 1},
		{"all may write right above", []fs.FileMode{0o755, 0o755, 0o777}, false, 2},
		{"sticky", []fs.FileMode{0o755, 0o777 | fs.ModeSticky, 0o755}, false, -1},
		{"out of reach", []fs.FileMode{0o700, 0o777, 0o777}, false, -1},
		{"to be passed through", []fs.FileMode{0o711, 0o777, 0o777}, false, 1},
		{"a group may write", []fs.FileMode{0o755, 0o775, 0o755}, true, 1},
		{"the user's own group may write", []fs.FileMode{0o755, 0o775, 0o755}, false, -1},
		{"only its owner", []fs.FileMode{0o755, 0o755, 0o755}, false, -1},
	} {
		t.Run(x.name, func(t *testing.T) {
			way, at := []string{base}, filepath.Join(base, strings.ReplaceAll(x.name, " ", "-"))
			for range x.modes[1:] {
				if err := os.Mkdir(at, 0o700); err != nil {
					t.Fatal(err)
				}
				gid := os.Getuid()
				if x.stray {
					gid = stranger
				}
				if err := os.Lchown(at, -1, gid); err != nil && (x.stray || strings.Contains(x.name, "group")) {
					t.Skip("groups cannot be changed here:", err)
				}
				way, at = append(way, at), filepath.Join(at, "x")
			}
			for i, mode := range x.modes {
				if err := os.Chmod(way[i], mode); err != nil {
					t.Fatal(err)
				}
			}
			if info, err := os.Stat(filepath.Dir(base)); err != nil || othersWrite(info) && info.Mode()&fs.ModeSticky == 0 {
				t.Skip("the folder for temporary files is not sticky: ", info, err)
			}
			named := filepath.Join(at, "state") // neither at nor this is there
			if x.refused >= 0 {
				got := refused(t, "up", "--bind", "127.0.0.1:0", "--no-port-mapping", "--state", named)
				if !strings.Contains(got, "others can write to "+way[x.refused]+" (mode 0") {
					t.Errorf("got %q", got)
				}
				if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("something was made there: %v", err)
				}
				return
			}
			s, err := openState(named, t.Logf)
			if err != nil {
				t.Fatal(err)
			}
			s.close()
			for i, folder := range append(way, at, named) {
				want := fs.FileMode(0o700)
				if i < len(way) {
					want = x.modes[i]
				}
				if info, err := os.Lstat(folder); err != nil || info.Mode()&^fs.ModeDir != want {
					t.Errorf("%s: got %v, %v, want %v", folder, info.Mode(), err, want)
				}
			}
		})
	}
}

// Who asks a peer does not ask one that others may have put there.
func TestAFolderBelowOneThatOthersWriteToIsNotAsked(t *testing.T) {
	base := shortFolder(t)
	folder := filepath.Join(base, "all", "state")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]fs.FileMode{base: 0o755, filepath.Dir(folder): 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if got := refused(t, "status", "--state", folder); !strings.Contains(got, "others can write to "+filepath.Dir(folder)) {
		t.Errorf("got %q", got)
	}
}

// Links, pipes and folders in place of its files stop a peer before it starts, and
// are named.
func TestAStateHasNothingButFiles(t *testing.T) {
	elsewhere := filepath.Join(shortFolder(t), "elsewhere")
	for _, name := range []string{lockFile, peersFile, identityFile} {
		for kind, place := range map[string]func(string) error{
			"link to nothing": func(path string) error { return os.Symlink(elsewhere, path) },
			"pipe":            func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"folder":          func(path string) error { return os.Mkdir(path, 0o700) },
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				folder := shortFolder(t)
				path := filepath.Join(folder, name)
				if err := place(path); err != nil {
					t.Fatal(err)
				}
				if got := refused(t, "up", "--bind", "127.0.0.1:0", "--state", folder); !strings.Contains(got, path+" is not a regular file") {
					t.Errorf("got %q", got)
				}
			})
		}
	}
	if _, err := os.Lstat(elsewhere); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link was followed: %v", err)
	}
}

// What is opened is looked at again: it could have been exchanged meanwhile.
func TestOpeningFollowsNoLink(t *testing.T) {
	folder := shortFolder(t)
	path, target := filepath.Join(folder, "link"), filepath.Join(folder, "target")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if file, err := os.OpenFile(path, os.O_RDONLY|carefully, 0); err == nil {
		file.Close()
		t.Error("a link was followed")
	}
}

// What has the name of the file that is written goes, and its target stays.
func TestMemoryIsWrittenThroughNoLink(t *testing.T) {
	for kind, place := range map[string]func(path, victim string) error{
		"link": func(path, victim string) error { return os.Symlink(victim, path) },
		"pipe": func(path, _ string) error { return syscall.Mkfifo(path, 0o600) },
		"file": func(path, _ string) error { return os.WriteFile(path, []byte("half"), 0o644) },
	} {
		t.Run(kind, func(t *testing.T) {
			folder := shortFolder(t)
			victim := filepath.Join(folder, "victim")
			if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			m := &memory{path: filepath.Join(folder, peersFile)}
			if err := place(m.path+".new", victim); err != nil {
				t.Fatal(err)
			}
			m.known = []acquaintance{{ID: testID(1)}}
			if err := m.save(time.Now(), false); err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(victim); string(text) != "precious" {
				t.Errorf("got %q, %v in the file that a link led to", text, err)
			}
			if info, err := os.Lstat(m.path); err != nil || info.Mode() != 0o600 {
				t.Errorf("got %v, %v, want a file of mode 0600", info, err)
			}
		})
	}
}

// A peer has ended when its folder is free, or another one's, and not when its
// socket is gone.
func TestAwaitEnd(t *testing.T) {
	folder := shortFolder(t)
	path := filepath.Join(folder, socketFile)
	listener, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := takeLock(folder, os.O_CREATE, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	wait := func() { ended <- awaitEnd(t.Context(), folder, socket) }
	pending := func(what string) {
		t.Helper()
		select {
		case err := <-ended:
			t.Fatalf("%s: it was over, %v", what, err)
		case <-time.After(5 * lockEvery):
		}
	}
	go wait()
	pending("it runs")
	listener.Close()
	pending("without a socket it still has the folder")
	lock.Close()
	if err := <-ended; err != nil {
		t.Errorf("the folder is free: %v", err)
	}
	if lock, err = takeLock(folder, 0, 0); err != nil {
		t.Fatalf("it did not stay free: %v", err)
	}
	defer lock.Close()
	if listener, err = control.Listen(path); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	wait()
	if err := <-ended; err != nil {
		t.Errorf("another peer has it: %v", err)
	}
}
