package identity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrSecret says that a file holds no usable secret: it is empty or too large.
var ErrSecret = errors.New("no usable secret")

// ReadSecret reads a swarm's secret from the file at path: all of it, at most
// 4096 bytes, without the line end it may end with. The error wraps
// ErrPermissions if others than the owner have access to the file, ErrSecret, or
// what the file system says.
func ReadSecret(path string) ([]byte, error) {
	secret, err := ReadRestricted(path, maxSecret+len("\r\n"))
	if err != nil {
		return nil, fmt.Errorf("identity: secret file %s: %w", path, err)
	}
	if line, ok := bytes.CutSuffix(secret, []byte("\n")); ok {
		secret = bytes.TrimSuffix(line, []byte("\r"))
	}
	if len(secret) == 0 {
		return nil, fmt.Errorf("identity: secret file %s: %w: it is empty", path, ErrSecret)
	}
	if len(secret) > maxSecret {
		return nil, fmt.Errorf("identity: secret file %s: %w: it has more than %d bytes", path, ErrSecret, maxSecret)
	}
	return secret, nil
}

// ReadRestricted returns the first bytes, up to limit and one more, of a file that
// only its owner can read: whoever gets more than limit knows that it is too large.
// The error wraps ErrPermissions, or what the file system says; it does not name
// the file.
func ReadRestricted(path string, limit int) ([]byte, error) {
	// Asked before it is opened, too: opening a pipe could wait for ever.
	info, err := os.Stat(path)
	if err != nil {
		return nil, plainError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, plainError(err)
	}
	defer file.Close()
	if err := checkRestricted(file); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, int64(limit)+1))
}

// plainError leaves out the operation and the path, which the caller names.
func plainError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
