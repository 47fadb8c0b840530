package wire

import "fmt"

// An Error says which rule of the wire some bytes break. It is what every
// function of this package that reads or writes bytes returns.
type Error struct {
	Code   Code   // what to close the link with
	Offset int    // of the first bad byte, from the start of what was parsed
	Reason string // what is wrong, for people; holds no bytes of the other end
}

// Error returns the reason, the offset and the code.
func (e *Error) Error() string {
	return fmt.Sprintf("wire: %s at byte %d: %s", e.Code, e.Offset, e.Reason)
}

// broken returns an Error; format and args are as for fmt.Sprintf.
func broken(code Code, offset int, format string, args ...any) *Error {
	return &Error{Code: code, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}
