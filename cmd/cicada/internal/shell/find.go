package shell

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"cicada/identity"
)

// member returns the one peer of the shell that text names: by its ID, the beginning
// of that, or its address.
func (s *Shell) member(text string) (*member, error) {
	found := s.fitting(text)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if isAddress(text) {
			return nil, usage("no peer of this shell listens at %q", text)
		}
		return nil, usage("no peer of this shell has an ID that begins with %q", text)
	}
	return nil, usage("%q fits %d peers: %s", text, len(found), candidates(found, len(text)))
}

// fitting returns all members that text may mean.
func (s *Shell) fitting(text string) (found []*member) {
	prefix := strings.ToLower(text)
	for _, m := range s.members {
		if isAddress(text) && listensAt(m.peer.Address(), text) ||
			!isAddress(text) && strings.HasPrefix(m.peer.ID().String(), prefix) {
			found = append(found, m)
		}
	}
	return found
}

// candidates lists members that begin with the same letters, in short where these are
// told apart by it.
func candidates(found []*member, letters int) string {
	const most = 20
	names := make([]string, 0, most)
	for _, m := range found[:min(len(found), most)] {
		names = append(names, nameOf(m, letters))
	}
	text := strings.Join(names, " ")
	if more := len(found) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// nameOf is a member's ID for people, who typed so many letters of it.
func nameOf(m *member, letters int) string {
	if id := m.peer.ID(); letters < len(id.Short()) {
		return id.Short()
	}
	return m.peer.ID().String()
}

// isAddress tells an address from an ID, which has no colon.
func isAddress(text string) bool { return strings.Contains(text, ":") }

// checkAddress says what is wrong with text as an address to dial.
func checkAddress(text string) error {
	host, port, err := net.SplitHostPort(text)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || host == "" || number == 0 {
		return usage("%q is no address: want host:port", text)
	}
	return nil
}

// listensAt reports whether a peer that listens at an address is reached at host:port.
func listensAt(listens netip.AddrPort, text string) bool {
	host, port, err := net.SplitHostPort(text)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || uint16(number) != listens.Port() {
		return false
	}
	at := listens.Addr().Unmap()
	if strings.EqualFold(host, "localhost") {
		return at.IsLoopback() || at.IsUnspecified()
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap() == at || at.IsUnspecified() && ip.IsLoopback())
}

// seed returns where to join the swarm of whom text names: an address, or a peer of
// the shell.
func (s *Shell) seed(text string) (string, error) {
	if isAddress(text) {
		return text, checkAddress(text)
	}
	m, err := s.member(text)
	if err != nil {
		return "", err
	}
	at := m.peer.Address()
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	return at.String(), nil
}

// target returns the ID of whom text names: a whole ID, a peer of the shell, or
// whoever proves to be at an address, which from dials.
func (s *Shell) target(ctx context.Context, from *member, text string) (identity.ID, error) {
	found := s.fitting(text)
	if len(found) == 1 {
		return found[0].peer.ID(), nil
	}
	if isAddress(text) && len(found) == 0 {
		if err := checkAddress(text); err != nil {
			return identity.ID{}, err
		}
		return from.peer.Resolve(ctx, text)
	}
	if id, err := identity.ParseID(text); err == nil {
		return id, nil
	}
	_, err := s.member(text)
	return identity.ID{}, err
}

// of returns the member with an ID, as a list of one, or of none.
func (s *Shell) of(id identity.ID) []*member {
	for _, m := range s.members {
		if m.peer.ID() == id {
			return []*member{m}
		}
	}
	return nil
}
