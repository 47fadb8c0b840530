package shell

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"cicada/identity"
	"cicada/swarm"
	"cicada/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is the peers that a shell under test made, and what it said.
type world struct {
	*Shell
	t     testing.TB
	ids   []string // beginnings of the IDs of peers to be made
	peers map[identity.ID]*fake

	mu      sync.Mutex // guards the fields below
	said    []string
	notes   []string
	records []any
}

// newWorld returns a shell with one peer for each beginning of an ID; the first
// listens at 127.0.0.1:7001.
func newWorld(t testing.TB, ids ...string) *world {
	w := &world{t: t, ids: ids, peers: make(map[identity.ID]*fake)}
	w.Shell = New(Config{Create: w.create, Output: w})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	for range ids {
		w.run("create")
	}
	w.take()
	return w
}

// run runs a line that must not fail.
func (w *world) run(line string) {
	w.t.Helper()
	if err := w.Run(context.Background(), line); err != nil {
		w.t.Errorf("%s: %v", line, err)
	}
}

// take returns what was said since the last time.
func (w *world) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := strings.Join(w.said, "\n")
	w.said, w.notes, w.records = nil, nil, nil
	return said
}

func (w *world) Say(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, line)
}

func (w *world) Note(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, line)
}

func (w *world) Record(object any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = append(w.records, object)
}

func (w *world) create(_ context.Context, address string) (Peer, error) {
	n := len(w.peers)
	if address == "127.0.0.1:0" {
		address = fmt.Sprintf("127.0.0.1:%d", 7001+n)
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	text := ""
	if n < len(w.ids) {
		text = w.ids[n]
	}
	f := &fake{world: w, address: at, closed: make(chan struct{}), inbox: make(chan swarm.Message, 1000)}
	text += strings.Repeat("a", 48-len(text)) + string([]byte{'a' + byte(n/26%26), 'a' + byte(n%26), 'b', 'a'})
	if err := f.id.UnmarshalText([]byte(text)); err != nil {
		return nil, err
	}
	w.peers[f.id] = f
	return f, nil
}

// A fake is a peer whose messages arrive at once.
type fake struct {
	world   *world
	id      identity.ID
	address netip.AddrPort
	closed  chan struct{}
	once    sync.Once
	inbox   chan swarm.Message
	joined  []string
	left    bool
	trace   trace.Recorder

	mu        sync.Mutex // guards delivered
	delivered uint64
}

func (f *fake) ID() identity.ID         { return f.id }
func (f *fake) Address() netip.AddrPort { return f.address }

func (f *fake) Status() swarm.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return swarm.Status{ID: f.id, Address: f.address, Counters: swarm.Counters{Delivered: f.delivered}}
}

func (f *fake) Join(ctx context.Context, addresses ...string) error {
	f.joined = append(f.joined, addresses...)
	return ctx.Err()
}

func (f *fake) Resolve(_ context.Context, text string) (identity.ID, error) {
	return identity.ID{}, errors.New("nobody is at " + text)
}

func (f *fake) Lookup(_ context.Context, target identity.ID) (*identity.Contact, []identity.ID, error) {
	to := f.world.peers[target]
	if to == nil {
		return nil, nil, swarm.ErrNoSuchPeer
	}
	return &identity.Contact{ID: target, Addresses: []netip.AddrPort{to.address}}, []identity.ID{f.id, target}, nil
}

func (f *fake) Send(_ context.Context, target identity.ID, data []byte, _ swarm.SendOptions) (swarm.Receipt, error) {
	to := f.world.peers[target]
	if to == nil {
		return swarm.Receipt{}, swarm.ErrNoSuchPeer
	}
	to.take(swarm.Message{From: f.id, Data: data})
	f.trace.Emit(trace.Event{Peer: f.id, Kind: trace.ReceiptDone})
	return swarm.Receipt{Hops: 1, Copies: 1, Path: swarm.Direct}, nil
}

// take has a message arrive.
func (f *fake) take(m swarm.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delivered++
	f.inbox <- m
}

func (f *fake) Broadcast(_ context.Context, data []byte) (swarm.Reached, error) {
	for _, to := range f.world.peers {
		if to != f {
			to.take(swarm.Message{From: f.id, Data: data, Broadcast: true})
		}
	}
	n := len(f.world.peers) - 1
	return swarm.Reached{Peers: n, Messages: n}, nil
}

func (f *fake) Receive(context.Context) (swarm.Message, error) {
	select {
	case m := <-f.inbox:
		return m, nil
	default:
	}
	select {
	case m := <-f.inbox:
		return m, nil
	case <-f.closed:
	}
	select { // as the true one, it gives what came before the end
	case m := <-f.inbox:
		return m, nil
	default:
		return swarm.Message{}, swarm.ErrClosed
	}
}

func (f *fake) Events(ctx context.Context) iter.Seq[trace.Event] { return f.trace.Subscribe(ctx) }

func (f *fake) Leave(context.Context) error {
	f.left = true
	return f.Close()
}

func (f *fake) Close() error {
	f.once.Do(func() {
		close(f.closed)
		f.trace.Close()
	})
	return nil
}

var _ Output = (*world)(nil)

// event is one with a reason.
func (f *fake) event(reason string) trace.Event {
	return trace.Event{Peer: f.id, Kind: "test", Reason: reason}
}
