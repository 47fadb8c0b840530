package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// ErrInUse is the error of a socket that another process answers on.
var ErrInUse = errors.New("control: another peer uses this socket")

// maxSocketPath is how long the path of a Unix socket can be on every system.
const maxSocketPath = 103

// checkPath returns a Failure for the path of what can be no socket.
func checkPath(path string) error {
	if len(path) > maxSocketPath {
		return &Failure{Usage, fmt.Sprintf("control: the path of a socket can have %d bytes, and %s has %d", maxSocketPath, path, len(path))}
	}
	return nil
}

// Listen makes the Unix socket at path, which only its owner may use. One that a
// process left behind when it was killed is taken away first. Its folder must be
// one that nobody else can write to. Errors match ErrInUse where somebody answers
// there.
func Listen(path string) (net.Listener, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		conn.Close()
		return nil, fmt.Errorf("%w: %s", ErrInUse, path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("control: %w", err)
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("control: %w", err)
	}
	return listener, nil
}
