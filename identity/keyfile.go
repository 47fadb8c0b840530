package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// Errors of key and secret files, wrapped with what was wrong and the file's path.
var (
	// ErrPassphrase says that a key needs a passphrase and got none or a wrong one.
	ErrPassphrase = errors.New("a passphrase is missing or wrong")
	// ErrPermissions says that others than its owner can read or change a file that must be secret.
	ErrPermissions = errors.New("others than its owner have access to it")
	// ErrKey says that a file or text holds no usable Ed25519 private key in OpenSSH format.
	ErrKey = errors.New("not an Ed25519 private key in OpenSSH format")
)

const (
	maxKeyFile  = 4096 // bytes; an Ed25519 key takes 400 to 600
	keyPEMType  = "OPENSSH PRIVATE KEY"
	keyFileMode = 0o600
)

// MarshalKey returns key in OpenSSH's format, for ParseKey, ssh-keygen and the
// like; under passphrase if that is not empty, which takes about 0.2 s. What it
// returns is secret.
func MarshalKey(key PrivateKey, passphrase []byte) ([]byte, error) {
	if key.IsZero() {
		return nil, errNoKey
	}
	var (
		block   *pem.Block
		err     error
		comment = "cicada " + key.ID().Short()
	)
	if len(passphrase) > 0 {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key.secret().key, comment, passphrase)
	} else {
		block, err = ssh.MarshalPrivateKey(key.secret().key, comment)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: write key: %w", err)
	}
	return pem.EncodeToMemory(block), nil
}

// ParseKey reads an Ed25519 private key in OpenSSH's format, as MarshalKey and
// ssh-keygen write it. A passphrase is used only where the key is under one.
// The error wraps ErrPassphrase or ErrKey.
func ParseKey(text, passphrase []byte) (PrivateKey, error) {
	key, err := parseKey(text, passphrase)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("identity: private key: %w", err)
	}
	return key, nil
}

func parseKey(text, passphrase []byte) (PrivateKey, error) {
	if len(text) > maxKeyFile {
		return PrivateKey{}, fmt.Errorf("%w: its %d bytes are over the limit of %d", ErrKey, len(text), maxKeyFile)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != keyPEMType {
		return PrivateKey{}, fmt.Errorf("%w: it has no block %q", ErrKey, keyPEMType)
	}
	if len(bytes.TrimSpace(rest)) > 0 {
		return PrivateKey{}, fmt.Errorf("%w: something follows the key", ErrKey)
	}
	raw, err := ssh.ParseRawPrivateKey(text)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		if len(passphrase) == 0 {
			return PrivateKey{}, fmt.Errorf("%w: none was given", ErrPassphrase)
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(text, passphrase)
		if errors.Is(err, x509.IncorrectPasswordError) {
			return PrivateKey{}, fmt.Errorf("%w: the one given does not open it", ErrPassphrase)
		}
	}
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	stored, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fmt.Errorf("%w: it is of another kind", ErrKey)
	}
	key := KeyFromSeed([32]byte(stored.Seed()))
	// To sign under a public key that is not the seed's own gives the key away.
	if !key.secret().key.Equal(*stored) {
		return PrivateKey{}, fmt.Errorf("%w: its public half does not match", ErrKey)
	}
	return key, nil
}

// LoadKey reads the key in the file at path, which SaveKey or ssh-keygen wrote.
// The error wraps ErrPermissions if others than the owner have access to the
// file, ErrPassphrase, ErrKey, or what the file system says (fs.ErrNotExist).
func LoadKey(path string, passphrase []byte) (PrivateKey, error) {
	text, err := ReadRestricted(path, maxKeyFile)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("identity: key file %s: %w", path, err)
	}
	key, err := parseKey(text, passphrase)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("identity: key file %s: %w", path, err)
	}
	return key, nil
}

// SaveKey writes key, as MarshalKey does, to a new file at path that only its
// owner can read. The file appears whole or not at all, and is on the disk on
// return. If path exists the error wraps fs.ErrExist.
func SaveKey(path string, key PrivateKey, passphrase []byte) error {
	return saveKey(path, key, passphrase, publishNew)
}

// ReplaceKey does what SaveKey does, and takes the place of a file that exists.
// The key in that one is lost, and with it the ID.
func ReplaceKey(path string, key PrivateKey, passphrase []byte) error {
	return saveKey(path, key, passphrase, os.Rename)
}

func saveKey(path string, key PrivateKey, passphrase []byte, publish func(temporary, path string) error) error {
	text, err := MarshalKey(key, passphrase)
	if err != nil {
		return err
	}
	if err := writeSecretFile(path, text, publish); err != nil {
		return fmt.Errorf("identity: save key to %s: %w", path, err)
	}
	return nil
}

// writeSecretFile writes a temporary file beside path and lets publish give it
// its name. Nothing is left of it if that fails.
func writeSecretFile(path string, data []byte, publish func(temporary, path string) error) (err error) {
	folder := filepath.Dir(path)
	file, err := os.CreateTemp(folder, ".cicada-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if err := restrictFile(file); err != nil { // before there is anything in it
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := publish(file.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// publishNew renames a file unless path exists.
func publishNew(temporary, path string) error {
	err := os.Link(temporary, path)
	if err == nil {
		return os.Remove(temporary)
	}
	if errors.Is(err, os.ErrExist) {
		return err
	}
	// A file system without hard links: two that do this at once may both succeed.
	if _, err := os.Lstat(path); err == nil {
		return &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
	}
	return os.Rename(temporary, path)
}
