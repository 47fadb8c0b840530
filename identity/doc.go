// Package identity says who a peer is.
package identity
