package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"cicada/swarm"
)

// MaxLine is how many bytes a line can have: the largest message, and its command.
const MaxLine = swarm.MaxMessage + 4096

// Lines reads commands, one a line, from what is no terminal.
type Lines struct {
	in     *bufio.Reader
	number int
}

// NewLines returns a reader of the lines of r.
func NewLines(r io.Reader) *Lines { return &Lines{in: bufio.NewReader(r)} }

// Number is that of the line Next returned last, from 1.
func (l *Lines) Number() int { return l.number }

// Next returns the next line, without its end. The error is a *UsageError for a line
// longer than MaxLine, behind which the next one can be read, or r's, at its end
// io.EOF.
func (l *Lines) Next() (string, error) {
	var line []byte
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if !long {
			line = append(line, part...)
		}
		if len(line) > MaxLine+1 { // and its end
			long, line = true, nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && (!errors.Is(err, io.EOF) || len(line) == 0 && !long):
			return "", err
		}
		l.number++
		if long {
			return "", &UsageError{fmt.Sprintf("a line can have %d bytes", MaxLine)}
		}
		text := strings.TrimSuffix(string(line), "\n")
		if l.number == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		return text, nil
	}
}
