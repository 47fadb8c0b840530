package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"cicada/identity"
)

var passphrase = []byte("correct horse")

// lockedKey returns the text of a key that ssh-keygen wrote under passphrase,
// with one round of bcrypt where 16 are usual, so that opening it is quick.
func lockedKey(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/locked.key")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSaveAndLoadKey(t *testing.T) {
	for _, saved := range [][]byte{nil, passphrase} {
		path := filepath.Join(t.TempDir(), "key")
		if err := identity.SaveKey(path, testKey(1), saved); err != nil {
			t.Fatal(err)
		}
		key, err := identity.LoadKey(path, passphrase) // one that is not needed does no harm
		if err != nil {
			t.Fatal(err)
		}
		if key.ID() != testKey(1).ID() || !bytes.Equal(key.Sign("p", nil), testKey(1).Sign("p", nil)) {
			t.Errorf("saved under %q: got the key of %s, want that of %s", saved, key.ID(), testKey(1).ID())
		}
		if _, err := identity.LoadKey(path, nil); (saved != nil) != errors.Is(err, identity.ErrPassphrase) {
			t.Errorf("saved under %q and loaded without: got %v", saved, err)
		}
	}
}

func TestLockedKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, lockedKey(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		passphrase []byte
		message    string // empty: it opens
	}{
		{"the right passphrase", passphrase, ""},
		{"none", nil, "none was given"},
		{"an empty one", []byte{}, "none was given"},
		{"a wrong one", []byte("battery"), "does not open it"},
		{"one letter off", []byte("correct horsf"), "does not open it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			key, err := identity.LoadKey(path, test.passphrase)
			if test.message == "" {
				if err != nil || key.IsZero() {
					t.Errorf("got %v, want a key", err)
				}
				return
			}
			if !errors.Is(err, identity.ErrPassphrase) || !strings.Contains(err.Error(), test.message) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want ErrPassphrase with the path and %q", err, test.message)
			}
			if !key.IsZero() {
				t.Error("got a key beside the error")
			}
		})
	}
}

func TestSaveKeyNeverOverwrites(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	if err := identity.SaveKey(path, testKey(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := identity.SaveKey(path, testKey(2), nil); !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("saving over a key: got %v, want ErrExist with the path", err)
	}
	expectKey(t, path, testKey(1))
	if err := identity.ReplaceKey(path, testKey(2), nil); err != nil {
		t.Fatal(err)
	}
	expectKey(t, path, testKey(2))
	expectFiles(t, folder, "key")
}

func expectKey(t *testing.T, path string, want identity.PrivateKey) {
	t.Helper()
	if key, err := identity.LoadKey(path, nil); err != nil || key.ID() != want.ID() {
		t.Errorf("got the key of %s, %v, want that of %s", key.ID(), err, want.ID())
	}
}

func expectFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files: got %v, want %v", got, want)
	}
}

// Of several programs that save at once, one is told that it did, and its key is there.
func TestSaveKeyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var (
		savers sync.WaitGroup
		saved  atomic.Int32
		winner atomic.Uint32
	)
	for n := range byte(8) {
		savers.Go(func() {
			err := identity.SaveKey(path, testKey(n), nil)
			if err == nil {
				saved.Add(1)
				winner.Store(uint32(n))
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	savers.Wait()
	if saved.Load() != 1 {
		t.Fatalf("%d savers were told that they saved, want 1", saved.Load())
	}
	expectKey(t, path, testKey(byte(winner.Load())))
}

func TestLongKeyFileIsNotCutShort(t *testing.T) {
	text, err := identity.MarshalKey(testKey(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	for _, test := range []struct {
		size int
		want error
	}{{4096, nil}, {4097, identity.ErrKey}} {
		padded := append(text[:len(text):len(text)], bytes.Repeat([]byte("\n"), test.size-len(text))...)
		if err := os.WriteFile(path, padded, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := identity.LoadKey(path, nil); !errors.Is(err, test.want) {
			t.Errorf("%d bytes: got %v, want %v", test.size, err, test.want)
		}
	}
}

func TestKeyFileErrors(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing")
	if _, err := identity.LoadKey(missing, nil); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), missing) != 1 {
		t.Errorf("no file: got %v, want ErrNotExist with the path once", err)
	}
	if _, err := identity.LoadKey(folder, nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: got %v, want an error that says so", err)
	}
	if err := identity.SaveKey(filepath.Join(missing, "key"), testKey(1), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("saving where no folder is: got %v, want ErrNotExist", err)
	}
	if err := identity.SaveKey(missing, identity.PrivateKey{}, nil); err == nil {
		t.Error("no key was saved without an error")
	}
	if err := identity.ReplaceKey(folder, testKey(1), nil); err == nil {
		t.Error("a folder was replaced by a key")
	}
	expectFiles(t, folder)
}

func marshal(t testing.TB, key any) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestParseKeyRefuses(t *testing.T) {
	good, err := identity.MarshalKey(testKey(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	mismatched := ed25519.NewKeyFromSeed(make([]byte, 32))
	copy(mismatched[32:], idBytes(testKey(1)))
	tests := []struct {
		name, text, message string
	}{
		{"nothing", "", "has no block"},
		{"a public key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA user@host", "has no block"},
		{"another format", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n", "has no block"},
		{"cut short", string(good[:len(good)/2]), "has no block"},
		{"empty inside", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n", "invalid openssh"},
		{"two keys", string(good) + string(good), "something follows"},
		{"too long", string(good) + strings.Repeat("\n", 4096), "over the limit of 4096"},
		{"of another kind", string(marshal(t, other)), "of another kind"},
		{"with another's public half", string(marshal(t, mismatched)), "public half does not match"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key, err := identity.ParseKey([]byte(test.text), nil)
			if !errors.Is(err, identity.ErrKey) || !strings.Contains(err.Error(), test.message) || !key.IsZero() {
				t.Errorf("got %v, want ErrKey that says %q", err, test.message)
			}
		})
	}
	if _, err := identity.MarshalKey(identity.PrivateKey{}, nil); err == nil {
		t.Error("no key was written without an error")
	}
}

// Our files are OpenSSH's, and theirs are ours.
func TestKeysOfSSHKeygen(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		if os.Getenv("CICADA_REQUIRE") == "all" {
			t.Fatal("CICADA_REQUIRE=all, and there is no ssh-keygen: ", err)
		}
		t.Skip("no ssh-keygen here:", err)
	}
	for _, secret := range []string{"", string(passphrase)} {
		folder := t.TempDir()
		ours, theirs := filepath.Join(folder, "ours"), filepath.Join(folder, "theirs")
		if err := identity.SaveKey(ours, testKey(1), []byte(secret)); err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command(keygen, "-y", "-P", secret, "-f", ours).Output()
		if err != nil {
			t.Fatalf("ssh-keygen does not read our key: %v", err)
		}
		public, err := ssh.NewPublicKey(ed25519.PublicKey(idBytes(testKey(1))))
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public))); !strings.HasPrefix(string(got), want) {
			t.Errorf("ssh-keygen reads %s, want %s", got, want)
		}
		if output, err := exec.Command(keygen, "-q", "-t", "ed25519", "-a", "1", "-N", secret, "-f", theirs).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, output)
		}
		key, err := identity.LoadKey(theirs, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(theirs + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		public, _, _, _, err = ssh.ParseAuthorizedKey(text)
		if err != nil {
			t.Fatal(err)
		}
		if want := public.(ssh.CryptoPublicKey).CryptoPublicKey().(ed25519.PublicKey); !bytes.Equal(idBytes(key), want) {
			t.Errorf("ID: got %x, want %x", idBytes(key), want)
		}
	}
}

func TestReadSecret(t *testing.T) {
	most := strings.Repeat("s", 4096)
	tests := []struct {
		name, text, want string
		err              error
	}{
		{"without line end", "secret", "secret", nil},
		{"a line", "secret\n", "secret", nil},
		{"a line of Windows", "secret\r\n", "secret", nil},
		{"only one line end is taken off", "secret\n\n", "secret\n", nil},
		{"spaces are part of it", " secret ", " secret ", nil},
		{"a return is part of it", "secret\r", "secret\r", nil},
		{"as long as can be", most, most, nil},
		{"as long as can be, a line", most + "\r\n", most, nil},
		{"one more", most + "s", "", identity.ErrSecret},
		{"two more", most + "ss", "", identity.ErrSecret},
		{"three more, the last a line end", most + "ss\n", "", identity.ErrSecret},
		{"a line as long as can be, and more", most + "\r\ns", "", identity.ErrSecret},
		{"far too long", most + most, "", identity.ErrSecret},
		{"nothing", "", "", identity.ErrSecret},
		{"an empty line", "\n", "", identity.ErrSecret},
		{"an empty line of Windows", "\r\n", "", identity.ErrSecret},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := identity.ReadSecret(path)
			if !errors.Is(err, test.err) || string(got) != test.want {
				t.Errorf("got %q, %v, want %q, %v", got, err, test.want, test.err)
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not name the file", err)
			}
		})
	}
}

func FuzzParseKey(f *testing.F) {
	plain, err := identity.MarshalKey(testKey(1), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(lockedKey(f))
	f.Add([]byte("-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		// Without passphrase: with one, most of the time would go to bcrypt.
		key, err := identity.ParseKey(text, nil)
		if err != nil {
			if !key.IsZero() || !errors.Is(err, identity.ErrKey) && !errors.Is(err, identity.ErrPassphrase) {
				t.Fatalf("got a key: %v, error %v; want none, and ErrKey or ErrPassphrase", !key.IsZero(), err)
			}
			return
		}
		again, err := identity.MarshalKey(key, nil)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := identity.ParseKey(again, nil); err != nil || back.ID() != key.ID() || key.ID().Check() != nil {
			t.Fatalf("the key of %s comes back as that of %s, %v", key.ID(), back.ID(), err)
		}
	})
}
