//go:build !unix

package bench

import "time"

// processTime is not known here.
func processTime() time.Duration { return -1 }
