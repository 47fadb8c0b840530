package chordtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cicada/chord"
	"cicada/chord/internal/model"
	"cicada/identity"
)

// A History is a run of random steps: single messages of random links, joins,
// crashes, leaves and ticks in any order, checked after each of them; then
// quiet, until the ring is ideal. The same History gives the same run.
type History struct {
	Seed       uint64
	Steps      int
	Successors int // r
	Peers      int // at the start
	Points     int // places on the ring
	Full       bool
	Wide       bool // peers know all others
	Orderly    bool // nobody crashes or leaves: then no key may have two owners, ever
	Unrefused  bool // crashes also where they break the assumption of a live successor, in bursts below r
	Log        bool // keep a log, which takes most of the time
	// Alter, if set, changes messages on their way, to see that the checker
	// sees it. It returns what arrives, perhaps nothing.
	Alter func(h *Run, from, to *identity.Contact, m chord.Message) []chord.Message
}

// A Result is what a History came to.
type Result struct {
	Violation *Violation // the first one, or nil
	// Thin counts states that are allowed for a moment: with fewer than r+1
	// principals, which I2 forbids only between whole steps (see Search); and,
	// where the ring changes between small and full, with a member whose list
	// holds only peers that died before their last word arrived.
	Thin    int
	Step    int  // where; Steps or more means that the quiet end is not ideal
	Refused int  // crashes not made, because the assumption would have been broken
	Broken  bool // the assumption was broken
	Quiet   time.Duration
	Joins   int
	Crashes int
	Leaves  int
	Log     []string // all steps, if History.Log is set
}

// A Run is a History on its way.
type Run struct {
	history History
	random  *rand.Rand
	now     time.Duration
	config  chord.Config
	peers   []*runner // by point
	gone    []*runner // peers whose place others took
	links   []*link   // in the order of their first message
	byPair  map[[2]identity.ID]*link
	result  Result
}

type runner struct {
	contact *identity.Contact
	core    *chord.Core
	alive   bool
}

type link struct {
	from, to *runner
	queue    []chord.Message
}

// Play runs the history.
func (h History) Play() Result {
	r := &Run{history: h, random: rand.New(rand.NewPCG(h.Seed, 7)), byPair: make(map[[2]identity.ID]*link)}
	r.config = chord.Config{Successors: h.Successors, FingerBase: 2, TableBudget: -1}
	if h.Wide {
		r.config.TableBudget = 0
	}
	for i := range h.Points {
		r.peers = append(r.peers, &runner{contact: Contact(byte(i * 256 / h.Points))})
	}
	r.genesis()
	for r.result.Step = 0; r.result.Step < h.Steps; r.result.Step++ {
		r.step()
		if r.checked() {
			return r.result
		}
	}
	r.quiet()
	return r.result
}

// genesis sets up the peers that are there at the start.
func (r *Run) genesis() {
	order := r.random.Perm(len(r.peers))[:r.history.Peers]
	slices.Sort(order)
	for at, i := range order {
		r.revive(r.peers[i])
		place := model.Place{AlwaysFull: r.history.Full}
		for j := 1; j <= min(r.history.Successors, len(order)-1); j++ {
			place.Successors = append(place.Successors, r.peers[order[(at+j)%len(order)]].contact)
			place.Predecessors = append(place.Predecessors, r.peers[order[(at-j+len(order))%len(order)]].contact)
		}
		if len(order) == 1 {
			r.peers[i].core.Start(r.now)
		} else {
			r.peers[i].core.Restore(r.now, place)
		}
		r.collect(r.peers[i])
	}
}

// revive gives p a core, which does nothing yet.
func (r *Run) revive(p *runner) {
	p.core = chord.New(p.contact, r.config, rand.New(rand.NewPCG(r.random.Uint64(), 1)))
	p.core.Restore(r.now, model.Place{AlwaysFull: r.history.Full})
	p.alive = true
}

// step does one thing at random.
func (r *Run) step() {
	switch x := r.random.IntN(100); {
	case x < 3:
		r.join()
	case x < 5:
		r.crash()
	case x < 6:
		r.leave()
	case x < 14:
		if p := r.any(member); p != nil {
			r.log("stabilize %d", p.contact.Point[0])
			p.core.Stabilize(r.now)
			r.collect(p)
		}
	case x < 20:
		r.pass(time.Millisecond)
	default:
		if l := r.pending(); l != nil {
			r.deliver(l)
		} else {
			r.pass(time.Millisecond)
		}
	}
}

func (r *Run) log(format string, arguments ...any) {
	if !r.history.Log {
		return
	}
	r.result.Log = append(r.result.Log, fmt.Sprintf("%d %v ", r.result.Step, r.now)+fmt.Sprintf(format, arguments...))
}

// any returns a random peer of those meant, or nil.
func (r *Run) any(meant func(*runner) bool) *runner {
	var list []*runner
	for _, p := range r.peers {
		if meant(p) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[r.random.IntN(len(list))]
}

func member(p *runner) bool { return p.alive && p.core.Mode() != chord.Joining }

func (r *Run) pending() *link {
	var list []*link
	for _, l := range r.links {
		if len(l.queue) > 0 {
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[r.random.IntN(len(list))]
}

// join has a new peer join, right behind the place of one that is gone: nobody
// comes back as who it was.
func (r *Run) join() {
	p := r.any(func(p *runner) bool { return !p.alive })
	seed := r.any(member)
	if p == nil || seed == nil {
		return
	}
	r.log("join %d via %d", p.contact.Point[0], seed.contact.Point[0])
	r.result.Joins++
	p = r.successor(p)
	r.revive(p)
	p.core.Join(r.now, seed.contact)
	r.collect(p)
}

// successor returns a new peer in the place of p, which stays among the dead.
func (r *Run) successor(p *runner) *runner {
	if p.core == nil {
		return p
	}
	point := p.contact.Point
	point[1]++
	i := slices.Index(r.peers, p)
	r.peers[i] = &runner{contact: At(point)}
	r.gone = append(r.gone, p)
	return r.peers[i]
}

// crash ends a peer, unless the assumption forbids it.
func (r *Run) crash() {
	p := r.any(func(p *runner) bool { return p.alive })
	if p == nil || r.history.Orderly {
		return
	}
	if !r.allowed(p) {
		r.result.Refused++
		p.alive = false
		torn := !acquainted(r.cores()) // that no ring can mend
		p.alive = true
		if !r.history.Unrefused || r.live() <= 1 || torn {
			return
		}
		r.result.Broken = true
	}
	r.log("crash %d", p.contact.Point[0])
	r.result.Crashes++
	p.alive = false
}

// leave has a member leave in order.
func (r *Run) leave() {
	p := r.any(member)
	if p == nil || r.history.Orderly || !r.allowed(p) {
		return
	}
	r.log("leave %d", p.contact.Point[0])
	r.result.Leaves++
	p.core.Leave(r.now)
	r.collect(p)
	p.alive = false
}

func (r *Run) live() int {
	n := 0
	for _, p := range r.peers {
		if member(p) {
			n++
		}
	}
	return n
}

// allowed reports whether the ring may lose p: everybody must keep a live
// successor, and a ring in full mode its base.
func (r *Run) allowed(p *runner) bool {
	if !member(p) {
		return true
	}
	if r.live() == 1 {
		return false
	}
	p.alive = false
	defer func() { p.alive = true }()
	cores := r.cores()
	if !r.arriving() {
		return false
	}
	left := newRing(cores, Rules{Successors: r.history.Successors})
	if !acquainted(cores) {
		return false
	}
	successors := left.successors()
	for i, c := range left.members {
		if len(left.members) > 1 && len(c.Successors()) > 0 && left.alone(i) {
			return false
		}
	}
	return successors && (!r.history.Full || len(left.principals()) > r.history.Successors)
}

// arriving reports whether each list on its way, which is as good as adopted,
// has a peer that lives among those that will stand in the list made of it.
func (r *Run) arriving() bool {
	for _, l := range r.links {
		for i := range l.queue {
			m := l.queue[i]
			if m.Kind != chord.State || !l.to.alive || m.Busy || m.Unchanged {
				continue
			}
			m, awaited := l.to.core.ReadState(l.from.contact, m)
			if !awaited {
				continue
			}
			list := append([]*identity.Contact{l.from.contact}, m.Successors...)
			if m.Small && l.to.core.Mode() == chord.Joining {
				slices.SortFunc(list, func(a, b *identity.Contact) int {
					return comparePoints(chord.Clockwise(l.to.contact.Point, a.Point), chord.Clockwise(l.to.contact.Point, b.Point))
				})
			}
			list = list[:min(len(list), r.history.Successors)]
			if !slices.ContainsFunc(list, func(c *identity.Contact) bool { return c.ID != l.to.contact.ID && r.find(c.ID).alive }) {
				return false
			}
		}
	}
	return true
}

// acquainted reports whether each peer knows each other, directly or through
// others: else they are two swarms, and nothing inside them can find the other.
func acquainted(cores []*chord.Core) bool {
	reached := make([]bool, len(cores))
	var walk func(i int)
	walk = func(i int) {
		reached[i] = true
		for j, d := range cores {
			if !reached[j] && (cores[i].Known(d.Self().Point) != nil || d.Known(cores[i].Self().Point) != nil) {
				walk(j)
			}
		}
	}
	for i, c := range cores {
		if c.Mode() != chord.Joining {
			walk(i)
			break
		}
	}
	for i, c := range cores {
		if !reached[i] && c.Mode() != chord.Joining {
			return false
		}
	}
	return true
}

func (r *Run) cores() []*chord.Core {
	var list []*chord.Core
	for _, p := range r.peers {
		if p.alive {
			list = append(list, p.core)
		}
	}
	return list
}

// pass lets time pass, and ticks who is due.
func (r *Run) pass(d time.Duration) {
	r.now += d
	for _, p := range r.peers {
		if p.alive && p.core.Next() <= r.now {
			p.core.Tick(r.now)
			r.collect(p)
		}
	}
}

// deliver has the oldest message of a link arrive.
func (r *Run) deliver(l *link) {
	back := r.byPair[[2]identity.ID{l.to.contact.ID, l.from.contact.ID}]
	if !l.to.alive && back != nil && len(back.queue) > 0 {
		l = back // what a peer sent arrives before its link breaks
	}
	m := l.queue[0]
	l.queue = l.queue[1:]
	if !l.to.alive {
		if l.from.alive {
			r.log("%d cannot reach %d", l.from.contact.Point[0], l.to.contact.Point[0])
			l.queue = nil
			l.from.core.Unreachable(r.now, l.to.contact.ID)
			r.collect(l.from)
		}
		return
	}
	arriving := []chord.Message{m}
	if r.history.Alter != nil {
		arriving = r.history.Alter(r, l.from.contact, l.to.contact, m)
	}
	for _, m := range arriving {
		if r.history.Log {
			r.log("%d->%d %s", l.from.contact.Point[0], l.to.contact.Point[0], Describe(&m))
		}
		l.to.core.Step(r.now, l.from.contact, m)
		r.collect(l.to)
	}
}

// collect puts what p wants sent on its links.
func (r *Run) collect(p *runner) {
	ready := p.core.Ready()
	if ready.JoinFail != nil { // as a driver would, it tries another seed
		if seed := r.any(member); seed != nil {
			r.log("join %d again via %d", p.contact.Point[0], seed.contact.Point[0])
			p.core.Join(r.now, seed.contact)
			defer r.collect(p)
		}
	}
	for _, out := range ready.Messages {
		pair := [2]identity.ID{p.contact.ID, out.To.ID}
		l := r.byPair[pair]
		if l == nil {
			l = &link{from: p, to: r.find(out.To.ID)}
			r.byPair[pair] = l
			r.links = append(r.links, l)
		}
		l.queue = append(l.queue, out.Message)
	}
}

func (r *Run) find(id identity.ID) *runner {
	for _, list := range [...][]*runner{r.peers, r.gone} {
		for _, p := range list {
			if p.contact.ID == id {
				return p
			}
		}
	}
	return nil
}

// checked looks for a violation, and reports whether there is one that counts.
func (r *Run) checked() bool {
	if r.result.Broken {
		return false
	}
	for _, v := range Check(r.cores(), Rules{Successors: r.history.Successors, Base: r.history.Full, Owners: r.history.Orderly}) {
		if strings.HasPrefix(v.Invariant, "I2 ") || !r.history.Full && strings.HasPrefix(v.Invariant, "I1 ") {
			r.result.Thin++ // see Thin
			continue
		}
		r.result.Violation = &v
		return true
	}
	return false
}

// quietLimit is how long a ring may take to become ideal when nothing happens any more.
const quietLimit = 10 * time.Minute

// quiet lets messages arrive in order and time pass, until all is ideal.
func (r *Run) quiet() {
	begin := r.now
	limit := quietLimit
	if r.history.Alter != nil {
		limit /= 10
	}
	for r.now-begin < limit {
		for l := r.pending(); l != nil; l = r.pending() {
			r.deliver(l)
		}
		if r.checked() {
			return
		}
		if r.idle() {
			break
		}
		next := time.Duration(never)
		for _, p := range r.peers {
			if p.alive {
				next = min(next, p.core.Next())
			}
		}
		r.result.Step++
		r.pass(min(max(next-r.now, 0), time.Second))
	}
	r.result.Quiet = r.now - begin
	if bad := Ideal(r.cores(), r.history.Successors); len(bad) > 0 {
		r.result.Violation = &bad[0]
	}
}

func (r *Run) idle() bool { return len(Ideal(r.cores(), r.history.Successors)) == 0 }

// Describe renders a message in one line, points by their first byte.
func Describe(m *chord.Message) string {
	s := m.Kind.String()
	for _, f := range [...]struct {
		on   bool
		name string
	}{{m.Busy, " busy"}, {m.Small, " small"}, {m.Accepted, " accepted"}, {m.Unchanged, " unchanged"}, {m.Behind, " behind"}, {m.Owns, " owns"}, {m.Table, " table"}, {m.Exact, " exact"}} {
		if f.on {
			s += f.name
		}
	}
	if !m.Member && (m.Kind == chord.Pong || m.Kind == chord.State || m.Kind == chord.Peers) {
		s += " no member"
	}
	if m.Kind == chord.Lookup || m.Kind == chord.Found || m.Kind == chord.LookupStuck || m.Kind == chord.Query {
		s += fmt.Sprintf(" key=%d", m.Key[0])
	}
	if m.Peer != nil {
		s += fmt.Sprintf(" peer=%d", m.Peer.Point[0])
	}
	if m.Predecessor != nil {
		s += fmt.Sprintf(" predecessor=%d", m.Predecessor.Point[0])
	}
	if len(m.Successors) > 0 {
		s += " successors=" + Brief(m.Successors)
	}
	if len(m.Predecessors) > 0 {
		s += " predecessors=" + Brief(m.Predecessors)
	}
	if len(m.Known) > 0 {
		s += fmt.Sprintf(" known=%d", len(m.Known))
	}
	if l := m.Lists; l != nil {
		s += " predecessor=" + brief(l, l.Predecessor) + " successors=" + brief(l, l.Successors) + " predecessors=" + brief(l, l.Predecessors)
	}
	return s
}

// brief renders a list of a State: "3,#0,9", where #0 is the first record that the question named.
func brief(l *chord.Lists, list []byte) string {
	words := make([]string, len(list))
	for i, n := range list {
		if n < 128 {
			words[i] = fmt.Sprint(l.Records[n].Point[0])
		} else {
			words[i] = fmt.Sprintf("#%d", n-128)
		}
	}
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(words, ",")
}

// Brief renders a list by the first bytes of its points: "3,7,9", or "-" if it is empty.
func Brief(list []*identity.Contact) string {
	if len(list) == 0 {
		return "-"
	}
	s := ""
	for i, c := range list {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprint(c.Point[0])
	}
	return s
}
