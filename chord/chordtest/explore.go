package chordtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
)

// A Search visits every state that a few peers can come to, whatever the order
// of their steps. A step is a stabilisation begun, or a request with its
// answer, or a join begun, or a crash; what only looks after routing and
// liveness happens within the step that causes it. Time stands still: nobody is
// taken for dead who is alive.
type Search struct {
	Successors int
	Points     int // places on the ring, of which Base are taken at the start
	Base       int
	Full       bool // full mode throughout, and crashes must leave a base of Successors+1
	Joins      int
	Crashes    int
	Limit      int // states to visit at most; 0: all
	IdealEvery int // of how many states one is run to its quiet end; 0: none
}

// Found is what a Search came to.
type Found struct {
	States, Steps, Ends int
	Complete            bool // every state was visited
	Violation           *Violation
	Path                []string // the steps to it
}

// A world is one state. Cores are shared between worlds until one changes.
type world struct {
	cores  []*chord.Core
	status []byte // absent, present, crashed
	queue  [][]chord.Outgoing
	mine   []bool // the core and the queue are this world's own
	state  []string
	joins  int
	fails  int
}

const (
	absent byte = iota
	present
	crashed
)

// explorer is a Search under way.
type explorer struct {
	Search
	contacts []*identity.Contact
	seen     map[[16]byte]struct{}
	found    Found
	path     []string
	random   *rand.Rand
}

// Run searches.
func (s Search) Run() Found {
	e := &explorer{Search: s, seen: make(map[[16]byte]struct{}), random: rand.New(rand.NewPCG(1, 2))}
	for i := range s.Points {
		e.contacts = append(e.contacts, Contact(byte(16+i*32)))
	}
	e.visit(e.genesis())
	e.found.Complete = e.found.Violation == nil && (s.Limit == 0 || len(e.seen) < s.Limit)
	e.found.States = len(e.seen)
	return e.found
}

// genesis spreads the first peers over the ring, with right lists.
func (e *explorer) genesis() *world {
	n := e.Points
	w := &world{cores: make([]*chord.Core, n), status: make([]byte, n), queue: make([][]chord.Outgoing, n),
		mine: make([]bool, n), state: make([]string, n)}
	var base []int
	for k := range e.Base {
		base = append(base, k*n/e.Base)
	}
	for at, i := range base {
		e.revive(w, i)
		place := model.Place{AlwaysFull: e.Full, Whole: true}
		for k := 1; k <= min(e.Successors, e.Base-1); k++ {
			place.Successors = append(place.Successors, e.contacts[base[(at+k)%e.Base]])
			place.Predecessors = append(place.Predecessors, e.contacts[base[(at-k+e.Base)%e.Base]])
		}
		if e.Base == 1 {
			w.cores[i].Start(0)
		} else {
			w.cores[i].Restore(0, place)
		}
		e.drain(w, i)
	}
	return w
}

func (e *explorer) revive(w *world, i int) {
	w.cores[i] = chord.New(e.contacts[i], chord.Config{Successors: e.Successors, FingerBase: 2, TableBudget: -1}, e.random)
	w.cores[i].Restore(0, model.Place{AlwaysFull: e.Full, Whole: true})
	w.status[i], w.mine[i], w.queue[i], w.state[i] = present, true, nil, ""
}

// visit goes through all states that follow from w.
func (e *explorer) visit(w *world) {
	if e.found.Violation != nil || e.Limit > 0 && len(e.seen) >= e.Limit {
		return
	}
	key := e.key(w)
	if _, known := e.seen[key]; known {
		return
	}
	e.seen[key] = struct{}{}
	if v := e.check(w); v != nil {
		e.found.Violation, e.found.Path = v, slices.Clone(e.path)
		return
	}
	before := []identity.Point(nil)
	if e.Full {
		before = Principals(w.live())
	}
	for _, s := range e.steps(w) {
		e.path = append(e.path, s.name)
		next := w.copy()
		if s.do(next) {
			e.found.Steps++
			if e.Full && !s.crash {
				e.keeps(next, before)
			}
			e.visit(next)
		}
		e.path = e.path[:len(e.path)-1]
	}
}

// keeps checks I10: a step that is no crash loses no principal.
func (e *explorer) keeps(w *world, before []identity.Point) {
	after := Principals(w.live())
	for _, p := range before {
		if !slices.Contains(after, p) && e.found.Violation == nil {
			e.found.Violation = &Violation{Invariant: "I10 LossOfPrincipal", Text: "is one no more", Peers: []identity.Point{p}}
			e.found.Path = slices.Clone(e.path)
		}
	}
}

func (e *explorer) check(w *world) *Violation {
	if list := Check(w.live(), Rules{Successors: e.Successors, Base: e.Full}); len(list) > 0 {
		return &list[0]
	}
	if e.IdealEvery > 0 && len(e.seen)%e.IdealEvery == 0 {
		return e.end(w)
	}
	return nil
}

// end lets time run on from a copy of w, with nobody joining or crashing any
// more: it must come to the ideal.
func (e *explorer) end(w *world) *Violation {
	e.found.Ends++
	w = w.copy()
	q := &quiet{explorer: e, world: w}
	for i := range w.cores {
		if w.status[i] == present {
			e.own(w, i)
			q.send(i, w.queue[i])
			q.collect(i)
		}
	}
	var bad []Violation
	for q.now < quietLimit {
		q.deliver()
		if bad = Ideal(w.live(), e.Successors); len(bad) == 0 {
			return nil
		}
		q.tick()
	}
	return &bad[0]
}

// quiet is a world whose clock runs.
type quiet struct {
	*explorer
	*world
	now  time.Duration
	sent []letter
}

type letter struct {
	from, to int
	message  chord.Message
}

func (q *quiet) send(i int, list []chord.Outgoing) {
	for _, out := range list {
		q.sent = append(q.sent, letter{from: i, to: q.index(out.To), message: out.Message})
	}
}

// deliver has all arrive that is on its way, in order.
func (q *quiet) deliver() {
	for len(q.sent) > 0 {
		l := q.sent[0]
		q.sent = q.sent[1:]
		if q.status[l.to] == present {
			q.cores[l.to].Step(q.now, q.contacts[l.from], l.message)
			q.collect(l.to)
		} else {
			q.cores[l.from].Unreachable(q.now, q.contacts[l.to].ID)
			q.collect(l.from)
		}
	}
}

// tick lets time pass until the next peer is due.
func (q *quiet) tick() {
	next := q.now + time.Second
	for _, c := range q.live() {
		next = min(next, max(c.Next(), q.now))
	}
	q.now = next
	for i, c := range q.cores {
		if q.status[i] == present && c.Next() <= q.now {
			c.Tick(q.now)
			q.collect(i)
		}
	}
}

// collect sends what i wants sent. Who could not join tries again through another peer.
func (q *quiet) collect(i int) {
	ready := q.cores[i].Ready()
	q.send(i, ready.Messages)
	idle := q.cores[i].Mode() == chord.Joining && q.cores[i].Next() > q.now+time.Hour
	if ready.JoinFail == nil && !idle {
		return
	}
	for j, c := range q.cores {
		if q.status[j] == present && c.Mode() != chord.Joining {
			q.cores[i].Join(q.now, q.contacts[j])
			q.send(i, q.cores[i].Ready().Messages)
			return
		}
	}
}

// A step is one way on from a state. It reports whether it could be made.
type step struct {
	name  string
	crash bool
	do    func(*world) bool
}

func (e *explorer) steps(w *world) []step {
	var list []step
	for i := range w.cores {
		name := fmt.Sprint(e.contacts[i].Point[0])
		switch {
		case w.status[i] == absent && w.joins < e.Joins:
			list = append(list, step{name: name + " joins", do: func(w *world) bool {
				w.joins++
				e.revive(w, i)
				return e.begin(w, i)
			}})
		case w.status[i] != present:
		case len(w.queue[i]) > 0:
			list = append(list, step{name: name + " asks " + describe(w.queue[i][0]), do: func(w *world) bool { return e.deliver(w, i) }})
		case w.cores[i].Mode() == chord.Joining:
			list = append(list, step{name: name + " joins again", do: func(w *world) bool { return e.begin(w, i) }})
		default:
			list = append(list, step{name: name + " stabilizes", do: func(w *world) bool { return e.stabilize(w, i) }})
		}
		if w.status[i] == present && w.fails < e.Crashes && e.allowed(w, i) {
			list = append(list, step{name: name + " crashes", crash: true, do: func(w *world) bool {
				w.fails++
				w.status[i], w.queue[i] = crashed, nil
				return true
			}})
		}
	}
	return list
}

func describe(out chord.Outgoing) string {
	return fmt.Sprintf("%d %s", out.To.Point[0], Describe(&out.Message))
}

// allowed reports whether the assumption lets i crash.
func (e *explorer) allowed(w *world, i int) bool {
	w.status[i] = crashed
	defer func() { w.status[i] = present }()
	r := newRing(w.live(), Rules{Successors: e.Successors})
	if len(r.members) == 0 {
		return false
	}
	if e.Full {
		return r.successors() && len(r.principals()) > e.Successors
	}
	joining := slices.ContainsFunc(r.cores, func(c *chord.Core) bool { return c.Mode() == chord.Joining })
	return acquainted(w.live()) && !(joining && len(r.members) == 1)
}

// begin starts a join of i through the first member there is.
func (e *explorer) begin(w *world, i int) bool {
	for j, c := range w.cores {
		if j != i && w.status[j] == present && c.Mode() != chord.Joining {
			e.revive(w, i)
			w.cores[i].Join(0, e.contacts[j])
			e.drain(w, i)
			return len(w.queue[i]) > 0 // else the lookup found no way: no step
		}
	}
	return false
}

// stabilize begins a stabilisation of i and has its first question answered.
func (e *explorer) stabilize(w *world, i int) bool {
	e.own(w, i).Stabilize(0)
	e.drain(w, i)
	return len(w.queue[i]) == 0 || e.deliver(w, i)
}

// deliver has the first request of i arrive, with all that comes of it at once.
// It is no step while the one who is asked is busy itself.
func (e *explorer) deliver(w *world, i int) bool {
	out := w.queue[i][0]
	j := e.index(out.To)
	if w.status[j] == present && out.Message.Kind == chord.Ask && waits(w.queue[j]) {
		return false
	}
	e.own(w, i)
	w.queue[i] = w.queue[i][1:]
	if w.status[j] == present {
		e.arrive(w, i, j, out.Message)
		return true
	}
	e.unreachable(w, i, j)
	return true
}

// waits reports whether a peer with these requests has asked for lists.
func waits(queue []chord.Outgoing) bool {
	return slices.ContainsFunc(queue, func(o chord.Outgoing) bool { return o.Message.Kind == chord.Ask })
}

// unreachable tells i, as often as it takes, that j cannot be reached.
func (e *explorer) unreachable(w *world, i, j int) {
	e.own(w, i)
	for range 2 {
		w.queue[i] = slices.DeleteFunc(slices.Clone(w.queue[i]), func(o chord.Outgoing) bool { return o.To.ID == e.contacts[j].ID })
		w.cores[i].Unreachable(0, e.contacts[j].ID)
		e.drain(w, i)
	}
	w.queue[i] = slices.DeleteFunc(slices.Clone(w.queue[i]), func(o chord.Outgoing) bool { return o.To.ID == e.contacts[j].ID })
}

func (e *explorer) arrive(w *world, i, j int, m chord.Message) {
	e.own(w, j).Step(0, e.contacts[i], m)
	e.drain(w, j)
}

// drain takes what i wants sent. Requests that decide something wait for a step
// of their own; all else arrives at once.
func (e *explorer) drain(w *world, i int) {
	e.own(w, i)
	asked := false
	for _, out := range slices.Clone(w.cores[i].Ready().Messages) {
		j := e.index(out.To)
		switch out.Message.Kind {
		case chord.Ask, chord.Notify:
			again := asked && out.Message.Kind == chord.Ask
			asked = asked || out.Message.Kind == chord.Ask
			if again { // the predecessor's predecessors
				if w.status[j] == present {
					e.arrive(w, i, j, out.Message)
				} else {
					e.unreachable(w, i, j)
				}
				continue
			}
			if e.Full && out.Message.Request == 0 { // news is for timers, which stand still here
				if w.status[j] == present {
					e.arrive(w, i, j, out.Message)
				}
				continue
			}
			w.queue[i] = append(slices.Clip(w.queue[i]), out)
		default:
			if w.status[j] == present {
				e.arrive(w, i, j, out.Message)
			} else if out.Message.Kind == chord.Ping || out.Message.Kind == chord.Lookup {
				e.unreachable(w, i, j)
			}
		}
	}
	w.state[i] = ""
}

func (e *explorer) index(c *identity.Contact) int {
	return slices.IndexFunc(e.contacts, func(d *identity.Contact) bool { return d.ID == c.ID })
}

// own makes core i this world's own, to be changed.
func (e *explorer) own(w *world, i int) *chord.Core {
	if !w.mine[i] {
		w.cores[i] = w.cores[i].Clone(e.random)
		w.mine[i] = true
	}
	w.state[i] = ""
	return w.cores[i]
}

// copy returns a world that begins as w and shares its cores.
func (w *world) copy() *world {
	clear(w.mine)
	return &world{cores: slices.Clone(w.cores), status: slices.Clone(w.status), queue: slices.Clone(w.queue),
		mine: make([]bool, len(w.cores)), state: slices.Clone(w.state), joins: w.joins, fails: w.fails}
}

func (w *world) live() []*chord.Core {
	list := make([]*chord.Core, 0, len(w.cores))
	for i, c := range w.cores {
		if w.status[i] == present {
			list = append(list, c)
		}
	}
	return list
}

// key names the state: equal states have equal keys.
func (e *explorer) key(w *world) (key [16]byte) {
	h := sha256.New()
	h.Write([]byte{byte(w.joins), byte(w.fails)})
	for i := range w.cores {
		if w.status[i] != present {
			h.Write([]byte{w.status[i]})
			continue
		}
		if w.state[i] == "" {
			b := w.cores[i].AppendState(nil)
			for _, out := range w.queue[i] {
				b = append(b, byte(out.Message.Kind), out.To.Point[0], bit(out.Message.Request == 0))
			}
			w.state[i] = string(b)
		}
		h.Write([]byte{w.status[i], byte(len(w.state[i])), byte(len(w.state[i]) >> 8)})
		h.Write([]byte(w.state[i]))
	}
	copy(key[:], h.Sum(nil))
	return key
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Err returns the violation found with the steps that lead to it, or nil.
func (f Found) Err() error {
	if f.Violation == nil {
		return nil
	}
	return errors.New(f.Violation.String() + "\n\t" + strings.Join(f.Path, "\n\t"))
}
