package chord

import (
	"math/bits"
	"slices"
	"time"

	"cicada/identity"
)

// Where there is room for it in its budget, a peer knows all others: then it is wide,
// and nearly everything is one hop away. Who came and who went it hears as in EDRA
// (Monnerat and Amorim, "D1HT: a distributed one hop hash table", 2006), see
// spread.go; the rest it copies, see fetch.go. Whoever it knows only by that is a
// hint: it may be used, and is forgotten where it does not answer, but it is in no
// list, and no list follows from it.
//
// Wide peers are relays to each other. The others neither hear of changes nor pass
// them on; relays step over them.

// A wide is what a peer that has a budget for it knows of all others.
type wide struct {
	on         bool // it is wide; else there is nothing but when to decide anew
	complete   bool // it has copied all there is
	most       int  // peers that can be
	over       int  // decisions for which the budget was spent, in a row
	introduced bool // others were told that it is a relay
	relays     roll // peers that are wide, too
	others     roll // and those that are not, as far as is known
	doubts     []suspicion
	gone       int // of those doubted, how many more turned out to be gone lately than to be there
	struckAt   time.Duration
	struck     []uint64 // peers forgotten lately, by the first words of their points: not to be learned of again from who is late
	oldest     int      // of them
	decideAt   time.Duration
	tendAt     time.Duration // when doubts are looked after
	heardAt    time.Duration // of a change
	given      allowance     // of bytes to send, of changes and of questions
	paged      allowance     // and for telling others who there is
	taken      takings       // and to receive
	spread     spread
	fetch      fetch
}

// A suspicion is a peer that is said to be gone, or that did not answer once.
type suspicion struct {
	word  uint64 // the first of its point
	since time.Duration
	asked bool
}

const (
	maxDoubts  = 256
	maxStruck  = 256
	struckFor  = 5 * time.Minute // about
	mostGone   = 16
	maxAsked   = 16              // peers asked at once whether they live
	doubtStays = time.Minute     // until one that nobody asked about is forgotten
	tendEvery  = 5 * time.Second // one that is doubted is asked,
	sampled    = 64              // and one more where so many are: what is found of them is judged of the others
	decideEach = 15 * time.Second
	leastWiden = 5 * time.Second
	mostOver   = 12

	leastSilent = 2 * time.Minute  // without a change
	mostMissed  = 32               // changes that should have been heard of meanwhile
	narrowFor   = 10 * time.Minute // before it is tried again
)

// isWide reports whether this peer keeps a table of all.
func (c *Core) isWide() bool { return c.wide != nil && c.wide.on }

// What an event about a peer costs, in bytes: with frames and acknowledgements.
const (
	hintBytes    = 49
	goneBytes    = 12
	messageBytes = 36
)

// wideCost returns about how many bytes a second a peer spends that knows n others,
// each of which stays so long: on hearing of each twice, and passing that on; on
// telling all of them to those who join; and on the messages around that.
func wideCost(n int, stay time.Duration) int {
	seconds := max(int(stay/time.Second), 1)
	told := n * (hintBytes + goneBytes + hintBytes) / seconds
	interval := spreadInterval(n, stay)
	perInterval := 2 * n * int(interval/time.Millisecond) / 1000 / seconds
	return told + (bits.Len(uint(perInterval))+1)*2*messageBytes*int(time.Second/time.Millisecond)/max(int(interval/time.Millisecond), 1)
}

// canAfford reports whether the budget is enough for knowing so many peers, or nearly.
func (c *Core) canAfford(n int) bool {
	return wideCost(n, c.stay()) < c.config.TableBudget+c.config.TableBudget/4
}

// population returns how many other peers there are: as many as are known, where all
// are, else what follows from how close together those of the lists stand.
func (c *Core) population() int {
	if c.isWide() && c.wide.complete {
		return c.wide.size()
	}
	return c.density()
}

// density returns how many other peers there are, as far as the lists tell.
func (c *Core) density() int {
	n := len(c.successors) + len(c.predecessors)
	if len(c.successors) == 0 || len(c.predecessors) == 0 || c.everybody() {
		return n
	}
	length := spanOf(c.successors[len(c.successors)-1].Point).minus(spanOf(c.predecessors[len(c.predecessors)-1].Point))[0]
	share, _ := bits.Div64(uint64(n), 0, max(length, uint64(n)+1))
	return int(min(share, 1<<30))
}

func (w *wide) size() int { return w.relays.size() + w.others.size() }

// find returns the peer at point, or nil.
func (w *wide) find(point identity.Point) *identity.Contact {
	if peer := w.relays.find(point); peer != nil {
		return peer
	}
	return w.others.find(point)
}

// decide makes this peer wide where the budget is more than it takes, as far as can be
// told, and ends that where it was not enough for minutes: then changes wait, and what
// is known is old. What it takes is not asked then, for half a swarm that dies at one
// instant is no reason to know less.
func (c *Core) decide() {
	w, budget := c.wide, c.config.TableBudget
	w.decideAt, c.dueSet = c.now+c.jitter(decideEach), false
	w.most = 2*c.density() + maxDoubts
	if w.given.wait(c.now, budget) > 0 {
		w.over++
	} else {
		w.over = 0
	}
	switch {
	case c.mode != Full || w.over > mostOver:
		c.narrow()
	case w.on && w.complete:
		c.beHeard()
	case !w.on && c.canAfford(c.density()):
		c.widen()
	}
}

// beHeard tells the others of this peer where it should have heard of changes, and did
// not: it may not be known as a relay.
func (c *Core) beHeard() {
	w := c.wide
	silent := c.now - w.heardAt
	if expected := 2 * int64(w.size()) * int64(silent/time.Second) / int64(c.stay()/time.Second); silent > leastSilent && expected > mostMissed {
		w.heardAt = c.now
		c.announce(c.self, true, true)
	}
}

// widenSoon has it decided at a time at which not all others do, who see the same.
func (c *Core) widenSoon() {
	if w := c.wide; w != nil {
		all := time.Duration(c.density()*hintBytes/max(c.config.TableBudget/4, 1)) * time.Second
		w.decideAt, c.dueSet = c.now+c.jitter(max(all, leastWiden)), false
	}
}

// widen begins to learn of all others.
func (c *Core) widen() {
	w := c.wide
	w.on, c.dueSet = true, false
	w.introduced = !c.accepted // the successor will, when it hears that from this peer
	w.tendAt, w.heardAt = far, c.now
	w.spread.sendAt, w.spread.denyAt = far, far
	for _, list := range [...][]*identity.Contact{c.successors, c.predecessors} {
		for _, peer := range list {
			c.enrol(peer, false)
		}
	}
	c.beginFetch()
}

// narrow forgets all that is not in the table. The others find out when they next
// tell this peer something.
func (c *Core) narrow() {
	w := c.wide
	if w == nil || !w.on {
		return
	}
	*w = wide{decideAt: c.now + c.jitter(narrowFor), most: w.most, given: w.given, taken: w.taken}
	c.dueSet = false
}

// enrol takes in a peer that is said to be a member.
func (c *Core) enrol(peer *identity.Contact, relay bool) {
	w := c.wide
	if same(peer, c.self) || c.lost.recent(peer.ID, c.now) {
		return
	}
	in, out := &w.relays, &w.others
	if !relay {
		in, out = out, in
	}
	old := in.find(peer.Point)
	if old == peer && !w.doubted(word(peer.Point)) {
		return
	}
	proven := !peer.Fingerprint.IsZero()
	if there := w.find(peer.Point); there != nil && !same(there, peer) && !proven {
		return // nobody's word puts another one in a peer's place
	}
	if old == nil {
		old = out.remove(peer.Point)
	}
	if old == nil && w.size() >= w.most {
		return
	}
	switch e := c.entry(peer); {
	case e != nil:
		peer = e.contact
	case !same(old, peer):
	case !proven:
		peer = merged(old, peer)
	case newer(old, peer):
		peer = old
	}
	w.trust(word(peer.Point))
	if i := slices.Index(w.struck, word(peer.Point)); i >= 0 {
		w.struck[i] = 0
	}
	in.put(peer)
}

// merged returns a hint of a peer that is known, and said to be elsewhere: it may have
// moved, or somebody wants it to be forgotten where it is, so both are tried.
func merged(old, hint *identity.Contact) *identity.Contact {
	const each = 2
	all := slices.Clone(old.Addresses[:min(len(old.Addresses), each)])
	for _, address := range hint.Addresses {
		if !slices.Contains(old.Addresses, address) && len(all) < 2*each {
			all = append(all, address)
		}
	}
	if len(all) == min(len(old.Addresses), each) {
		return old
	}
	both := *hint
	both.Addresses = all
	return &both
}

// strike forgets a peer.
func (w *wide) strike(point identity.Point) {
	name := word(point)
	w.trust(name)
	switch {
	case slices.Contains(w.struck, name):
	case len(w.struck) < maxStruck:
		w.struck = append(w.struck, name)
	default:
		w.struck[w.oldest] = name
		w.oldest = (w.oldest + 1) % maxStruck
	}
	if w.relays.remove(point) == nil {
		w.others.remove(point)
	}
}

// doubted reports whether something speaks against a peer.
func (w *wide) doubted(word uint64) bool {
	for i := range w.doubts {
		if w.doubts[i].word == word {
			return true
		}
	}
	return false
}

// trust forgets what speaks against a peer.
func (w *wide) trust(word uint64) {
	if len(w.doubts) > 0 {
		w.doubts = slices.DeleteFunc(w.doubts, func(d suspicion) bool { return d.word == word })
	}
}

// suspect notes that a peer may be gone. It is used only where nobody else is, asked
// when its turn comes, and forgotten if it does not answer.
func (c *Core) suspect(peer *identity.Contact, asked bool) {
	w := c.wide
	name := word(peer.Point)
	if w.doubted(name) {
		return
	}
	if len(w.doubts) == maxDoubts {
		c.judge(w.doubts[0].word)
	}
	w.doubts = append(w.doubts, suspicion{word: name, since: c.now, asked: asked})
	w.tendAt = min(w.tendAt, c.now+tendEvery)
	c.dueSet = false
}

// named returns the peer whose point begins with a word, or nil.
func (w *wide) named(word uint64) *identity.Contact {
	for _, r := range [...]*roll{&w.relays, &w.others} {
		if peer := r.at(r.rank(span{word}.point())); peer != nil && spanOf(peer.Point)[0] == word {
			return peer
		}
	}
	return nil
}

// judge ends a doubt about which nobody asked, for there are too many, or it is old: by
// what became of those that somebody asked about.
func (c *Core) judge(word uint64) {
	if c.wide.gone > 0 {
		c.strikeWord(word)
		return
	}
	c.wide.trust(word)
}

// strikeWord forgets the peer whose point begins with a word.
func (c *Core) strikeWord(word uint64) {
	if peer := c.wide.named(word); peer != nil {
		c.wide.strike(peer.Point)
	}
	c.wide.trust(word)
}

// checkMember asks a peer that is not in the table whether it lives. It reports
// whether there is such a peer.
func (c *Core) checkMember(peer *identity.Contact) bool {
	if !c.isWide() || !same(c.wide.find(peer.Point), peer) {
		return false
	}
	asked := 0
	for i := range c.requests {
		if c.requests[i].purpose == forMember {
			asked++
		}
	}
	c.suspect(peer, asked < maxAsked)
	if asked < maxAsked {
		c.ask(peer, forMember, 0)
	}
	return true
}

// memberOf returns the peer of an ID that is known of, but not in the table.
func (c *Core) memberOf(id identity.ID) *identity.Contact {
	if !c.isWide() {
		return nil
	}
	if peer := c.wide.find(identity.PlainPoint(id)); peer != nil && peer.ID == id {
		return peer
	}
	if c.self.Point == identity.PlainPoint(c.self.ID) {
		return nil // so are all points of this swarm
	}
	for _, r := range [...]*roll{&c.wide.relays, &c.wide.others} {
		for peer := range r.from(identity.Point{}) {
			if peer.ID == id {
				return peer
			}
		}
	}
	return nil
}

// heardMember notes that a peer lives.
func (c *Core) heardMember(peer *identity.Contact) {
	if w := c.wide; w != nil && len(w.doubts) > 0 && w.doubted(word(peer.Point)) {
		w.trust(word(peer.Point))
		w.gone = max(w.gone-1, -mostGone)
	}
}

// lostMember forgets a peer that is dead or that is no member.
func (c *Core) lostMember(peer *identity.Contact) {
	if w := c.wide; c.isWide() && same(w.find(peer.Point), peer) {
		w.gone = min(w.gone+1, mostGone)
		w.strike(peer.Point)
	}
}

// tend asks the peer that has been doubted for longest whether it lives, and judges
// those about which nobody asked for long.
func (c *Core) tend() {
	w := c.wide
	for len(w.doubts) > 0 && w.doubts[0].since+doubtStays <= c.now {
		c.judge(w.doubts[0].word)
	}
	w.tendAt, c.dueSet = far, false
	if len(w.doubts) == 0 {
		return
	}
	w.tendAt = c.now + tendEvery/time.Duration(1+len(w.doubts)/sampled)
	for i := range w.doubts {
		if d := &w.doubts[i]; !d.asked {
			d.asked = true
			if peer := w.named(d.word); peer != nil {
				c.ask(peer, forMember, 0)
			}
			return
		}
	}
}

// tickWide does what is due of all this.
func (c *Core) tickWide() {
	w := c.wide
	if w == nil || c.mode == Joining {
		return
	}
	if w.decideAt <= c.now {
		c.decide()
	}
	if w.struckAt+struckFor < c.now { // whoever is told of again now may be there again
		w.struckAt = c.now
		clear(w.struck)
	}
	if !w.on {
		return
	}
	if w.tendAt <= c.now {
		c.tend()
	}
	c.tickSpread()
	c.tickFetch()
}

// wideDue returns when something of this is due.
func (c *Core) wideDue() time.Duration {
	w := c.wide
	if w == nil || c.mode == Joining {
		return far
	}
	if !w.on {
		return w.decideAt
	}
	due := min(w.decideAt, w.tendAt, w.spread.sendAt, w.spread.denyAt, w.fetch.due())
	if len(w.spread.absent) > 0 {
		due = min(due, w.spread.absent[0].until)
	}
	for i := range w.spread.flights {
		due = min(due, w.spread.flights[i].deadline)
	}
	return due
}

// wideChoices is how many peers on either side of a target are weighed.
const wideChoices = 4

// widely returns the peer to go by to target: best, which costs least, or one that is
// known beyond the table.
func (c *Core) widely(target identity.Point, ok func(*identity.Contact) bool, best *identity.Contact, least uint64) *identity.Contact {
	w := c.wide
	goal := spanOf(target)
	limit := c.origin.distance(goal)
	unmeasured := c.delay(&entry{}, c.stay())
	consider := func(peer *identity.Contact) {
		far := spanOf(peer.Point).distance(goal)
		if !far.less(limit) || w.doubted(spanOf(peer.Point)[0]) {
			return
		}
		cost := unmeasured + c.beyond(far[0])
		if (best == nil || cost < least) && (ok == nil || ok(peer)) {
			best, least = peer, cost
		}
	}
	if peer := w.find(target); peer != nil && !w.doubted(goal[0]) && (ok == nil || ok(peer)) {
		return peer
	}
	for _, r := range [...]*roll{&w.relays, &w.others} {
		place, n := r.rank(target), r.size()
		for i := range min(wideChoices, n) {
			consider(r.at(place + i))
			consider(r.at(place - 1 - i))
		}
	}
	return best
}

// wideOwner returns the first peer at or behind key, of all, or nil where not all
// are known.
func (c *Core) wideOwner(key identity.Point, ok func(*identity.Contact) bool) *identity.Contact {
	if !c.isWide() || !c.wide.complete {
		return nil
	}
	var best *identity.Contact
	var least span
	for _, r := range [...]*roll{&c.wide.relays, &c.wide.others} {
		for peer := range r.from(key) {
			if c.wide.doubted(word(peer.Point)) || !ok(peer) {
				continue
			}
			if way := spanOf(peer.Point).minus(spanOf(key)); best == nil || way.less(least) {
				best, least = peer, way
			}
			break
		}
	}
	return best
}

// Reach returns how many peers this one can go to without another's help.
func (c *Core) Reach() int {
	c.settle()
	if !c.isWide() {
		return len(c.table)
	}
	n := c.wide.size() - len(c.wide.doubts)
	for i := range c.table {
		if c.wide.find(c.table[i].contact.Point) == nil {
			n++
		}
	}
	return n
}

// All yields every peer that this one can go to without another's help, once, in no
// order that means anything, until yield returns false. yield must not call the Core.
func (c *Core) All(yield func(*identity.Contact) bool) {
	for peer := range c.Each {
		if !yield(peer) {
			return
		}
	}
	if !c.isWide() {
		return
	}
	for _, r := range [...]*roll{&c.wide.relays, &c.wide.others} {
		for peer := range r.from(c.self.Point) {
			if c.entry(peer) == nil && !c.wide.doubted(word(peer.Point)) && !yield(peer) {
				return
			}
		}
	}
}

// unreachableMember forgets a peer that could not be dialled, and goes on with what
// it was to pass on.
func (c *Core) unreachableMember(id identity.ID) {
	peer := c.memberOf(id)
	if peer == nil {
		return
	}
	c.wide.strike(peer.Point)
	for i := range c.wide.spread.flights {
		if f := &c.wide.spread.flights[i]; f.to.ID == id {
			f.tries, f.deadline, c.dueSet = flightTries, c.now, false
		}
	}
}

// clone returns a copy that shares nothing that changes.
func (w *wide) clone() *wide {
	if w == nil {
		return nil
	}
	d := *w
	d.relays, d.others = w.relays.clone(), w.others.clone()
	d.taken.links = slices.Clone(w.taken.links)
	d.doubts, d.struck = slices.Clone(w.doubts), slices.Clone(w.struck)
	d.spread.words, d.spread.changes = slices.Clone(w.spread.words), slices.Clone(w.spread.changes)
	d.spread.flights = slices.Clone(w.spread.flights)
	return &d
}
