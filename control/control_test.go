package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A station is a running peer with its socket.
type station struct {
	*swarm.Peer
	*Client
	path string
	left chan struct{}
}

func start(t *testing.T) *station {
	t.Helper()
	peer, err := swarm.Listen(t.Context(), swarm.Config{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := &station{Peer: peer, path: filepath.Join(t.TempDir(), "s"), left: make(chan struct{})}
	listener, err := Listen(s.path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(peer, Config{Leave: func() { close(s.left) }})
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.Client = NewClient(s.path)
	t.Cleanup(func() {
		s.Client.Close()
		peer.Close()
		if err := errors.Join(server.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pair returns two peers of one swarm.
func pair(t *testing.T) (a, b *station) {
	a, b = start(t), start(t)
	if err := b.Join(t.Context(), a.Address().String()); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// Whatever the API can do, asked through the client.
func TestRequests(t *testing.T) {
	a, b := pair(t)
	ctx := t.Context()
	s, err := a.Client.Status(ctx)
	if err != nil || s.ID != a.ID() || s.Address != a.Address() || !slices.Equal(s.Successors, []identity.ID{b.ID()}) || s.Mode != "small" {
		t.Errorf("status: got %+v, %v", s, err)
	}
	if len(s.Contacts) != 1 || s.Contacts[0].ID != b.ID() || len(s.Links) != 1 || s.Links[0].ID != b.ID() {
		t.Errorf("status: got contacts %v, links %v, want the other peer", s.Contacts, s.Links)
	}
	if p, err := a.Peers(ctx); err != nil || !slices.Equal(p.Predecessors, []identity.ID{b.ID()}) {
		t.Errorf("peers: got %v, %v", p, err)
	}
	if f, err := a.Fingers(ctx); err != nil || len(f) != 0 {
		t.Errorf("fingers: got %v, %v, want none in a small swarm", f, err)
	}
	l, err := a.Client.Lookup(ctx, b.Address().String(), 0)
	if err != nil || l.Owner != b.ID() || l.Address != b.Address() || l.Hops != 1 {
		t.Errorf("lookup: got %+v, %v", l, err)
	}
	var got []Received
	done := make(chan error, 1)
	go func() {
		done <- b.Client.Receive(ctx, 3, func(r Received) error { got = append(got, r); return nil })
	}()
	for _, x := range []struct{ to, data string }{{b.ID().String(), "by ID"}, {b.Address().String(), "\xff\x00 two  spaces"}} {
		if s, err := a.Client.Send(ctx, x.to, []byte(x.data), swarm.SendOptions{}, time.Second); err != nil || !s.Delivered || s.To != b.ID() || s.Hops != 1 {
			t.Errorf("send: got %+v, %v", s, err)
		}
	}
	if r, err := a.Client.Broadcast(ctx, []byte("to all"), 0); err != nil || r.Reached != 1 {
		t.Errorf("broadcast: got %+v, %v", r, err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"by ID", "\xff\x00 two  spaces", "to all"} {
		data, err := got[i].Bytes()
		if err != nil || string(data) != want || got[i].From != a.ID() || got[i].Address != a.Address() || got[i].Sealed != (i < 2) {
			t.Errorf("received %d: got %+v, %v, want %q", i, got[i], err, want)
		}
	}
	if got[1].Encoding != EncodingBase64 {
		t.Errorf("got encoding %s of bytes that are no text", got[1].Encoding)
	}
	if err := b.Client.Leave(ctx); err != nil {
		t.Error(err)
	}
	<-b.left
}

// The stream of events begins at once and ends with the peer.
func TestEvents(t *testing.T) {
	a, b := pair(t)
	seen := make(chan struct{}, 1)
	done := make(chan error, 1)
	go func() {
		done <- b.Client.Events(t.Context(), func(e trace.Event) error {
			if e.Kind == trace.Delivered {
				select {
				case seen <- struct{}{}:
				default:
				}
			}
			return nil
		})
	}()
	for waiting := true; waiting; {
		if _, err := a.Peer.Send(t.Context(), b.ID(), []byte("x"), swarm.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-seen:
			waiting = false
		case <-time.After(20 * time.Millisecond): // the stream may not be open yet
		}
	}
	b.Peer.Close()
	var f *Failure
	if err := <-done; !errors.As(err, &f) || f.Kind != Closed {
		t.Errorf("got %v, want that the peer has left", err)
	}
}

// What cannot be done is told by kind and in a sentence.
func TestFailures(t *testing.T) {
	a := start(t)
	ctx := t.Context()
	nobody := identity.KeyFromSeed([32]byte{1}).ID().String()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().String()
	listener.Close()
	send := func(to string, o swarm.SendOptions, d time.Duration) error {
		_, err := a.Client.Send(ctx, to, []byte("x"), o, d)
		return err
	}
	for _, x := range []struct {
		name string
		err  error
		want Kind
		text string
	}{
		{"no such peer", send(nobody, swarm.SendOptions{}, 0), Refused, "no such peer"},
		{"nobody there", send(free, swarm.SendOptions{}, 0), Refused, "connection refused"},
		{"no target", send("", swarm.SendOptions{}, 0), Usage, "a target is missing"},
		{"nonsense", send("nowhere", swarm.SendOptions{}, 0), Usage, "host:port"},
		{"too little time", send(nobody, swarm.SendOptions{}, time.Nanosecond), Timeout, "no answer in time"},
		{"too much time", send(nobody, swarm.SendOptions{}, 48*time.Hour), Usage, `timeout "48h0m0s"`},
		{"count", refusedBy(a, http.MethodGet, "messages?count=0", ""), Usage, `count "0"`},
		{"field", refusedBy(a, http.MethodPost, "send", `{"too":"x"}`), Usage, `unknown field "too"`},
		{"two objects", refusedBy(a, http.MethodPost, "send", `{"to":"x","data":"y"} {}`), Usage, "goes on"},
		{"encoding", refusedBy(a, http.MethodPost, "send", `{"to":"x","data":"y","encoding":"hex"}`), Usage, `encoding "hex"`},
		{"base64", refusedBy(a, http.MethodPost, "broadcast", `{"data":"!","encoding":"base64"}`), Usage, "no base64"},
		{"broadcast to one", refusedBy(a, http.MethodPost, "broadcast", `{"data":"y","to":"x"}`), Usage, "everybody"},
		{"too large", refusedBy(a, http.MethodPost, "send", `{"data":"`+strings.Repeat("x", maxBody)+`"}`), Usage, "too large"},
	} {
		var f *Failure
		if !errors.As(x.err, &f) || f.Kind != x.want || !strings.Contains(f.Text, x.text) {
			t.Errorf("%s: got %v, want %s: …%s…", x.name, x.err, x.want, x.text)
		}
	}
}

func refusedBy(s *station, method, path, body string) error {
	return s.ask(context.Background(), patience, method, path, []byte(body), nil)
}

// A socket belongs to its owner and to one peer; one that was left behind by a
// killed process is taken over.
func TestSocket(t *testing.T) {
	a := start(t)
	if info, err := os.Stat(a.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if _, err := Listen(a.path); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	dead := filepath.Join(t.TempDir(), "dead")
	first, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Fatal(err)
	}
	first.SetUnlinkOnClose(false) // as when its process is killed
	first.Close()
	second, err := Listen(dead)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err := os.Lstat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no socket after Close", err)
	}
	if _, err := NewClient(dead).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v, want %v", err, ErrNotRunning)
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 200))
	if _, err := Listen(long); KindOf(err) != Usage || !strings.Contains(err.Error(), "can have 103 bytes") {
		t.Errorf("got %v, want the length named", err)
	}
	if _, err := NewClient(long).Status(t.Context()); KindOf(err) != Usage || !strings.Contains(err.Error(), "can have 103 bytes") {
		t.Errorf("got %v, want the length named", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("text"))
	f.Add([]byte{0xff, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		text, encoding := encode(data)
		if got, err := decode(text, encoding); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("got %q, %v, want %q", got, err, data)
		}
		_, _ = decode(string(data), EncodingBase64)
		_ = fmt.Sprint(decode(string(data), string(data)))
	})
}
