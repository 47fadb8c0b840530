package trace

import (
	"strconv"
	"strings"
	"unicode"

	"cicada/identity"
)

// shortDigits is how much of a point or a message ID people are shown.
const shortDigits = 8

// String returns the one rendering for people, in one line: when, where, what,
// then the fields that are set, in the order of Event. Points and message IDs
// are cut to 8 digits, IDs to their short form. Text that came from elsewhere
// is quoted where it is not plain, so that a terminal obeys none of it.
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.At.String())
	b.WriteByte(' ')
	if e.Peer.IsZero() {
		b.WriteByte('-')
	} else {
		b.WriteString(e.Peer.Short())
	}
	b.WriteByte(' ')
	b.WriteString(plain(string(e.Kind)))
	text := func(name, value string) {
		if value != "" {
			b.WriteString(" " + name + "=" + value)
		}
	}
	count := func(name string, value int) {
		if value != 0 {
			text(name, strconv.Itoa(value))
		}
	}
	text("other", shortID(e.Other))
	if !e.Key.IsZero() {
		text("key", e.Key.String()[:shortDigits])
	}
	if !e.Message.IsZero() {
		text("message", e.Message.String()[:shortDigits])
	}
	text("name", plain(e.Name))
	count("copy", e.Copy)
	count("hops", e.Hops)
	count("count", e.Count)
	count("size", e.Size)
	if len(e.Peers) > 0 {
		short := make([]string, len(e.Peers))
		for i, id := range e.Peers {
			short[i] = shortID(id)
		}
		text("peers", "["+strings.Join(short, " ")+"]")
	}
	text("address", plain(e.Address))
	text("reason", plain(e.Reason))
	return b.String()
}

// shortID returns the short form of id, or nothing for the zero ID.
func shortID(id identity.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.Short()
}

// plain returns text as it is where it is one visible word, else quoted.
func plain(text string) string {
	odd := func(r rune) bool {
		return r == ' ' || r == '"' || r == unicode.ReplacementChar || !unicode.IsPrint(r)
	}
	if strings.ContainsFunc(text, odd) {
		return strconv.Quote(text)
	}
	return text
}
