package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Step is something that is done to the swarm.
type Step struct {
	At    time.Duration // since the watching began
	Fault Fault
}

// String returns the step as a line of a scenario file has it.
func (s Step) String() string { return "{at: " + s.At.String() + ", " + s.Fault.String() + "}" }

// A Fault is what a Step does: a Partition, OneWay, Links, Uplinks, Weather, Pause,
// Crash, Leaving, Growth or Burst. String returns it as a scenario file has it.
type Fault interface {
	fmt.Stringer
	validate() error
	begin(w *World)
	lasts() time.Duration // after its beginning; then nothing is done any more
}

// A Partition cuts the swarm into groups, and heals: nothing gets from one group to
// another. Who joins meanwhile is in one of them, too.
type Partition struct {
	// Shares are the parts that the groups have of all peers; only their proportions count.
	Shares []float64
	For    time.Duration
}

// OneWay is a cut through which messages get in one direction only: from those
// outside to the Share of peers inside, and not back.
type OneWay struct {
	Share float64
	For   time.Duration
}

// Links are a Share of all ordered pairs of peers whose messages get lost, or come
// later, while those in the other direction do not.
type Links struct {
	Share float64
	Loss  float64       // of what is sent there; 1 is all
	Delay time.Duration // on top
	For   time.Duration
}

// Uplinks gives peers lines out that carry so many bytes a second. What does not go
// out at once waits, and is dropped where too much waits already.
type Uplinks struct {
	Share float64 // of the peers
	Rate  int     // bytes a second
	Queue int     // bytes that wait at most; zero means 65 536
	For   time.Duration
}

// Weather changes what becomes of all messages, for a while.
type Weather struct {
	Network Network
	For     time.Duration
}

// wholeQueue is how much waits for an uplink of which nothing else is said.
const wholeQueue = 1 << 16

// part returns what is wrong with a share that has to be more than nothing.
func part(name string, x float64) error {
	if !(x > 0 && x <= 1) { // also not a number
		return fmt.Errorf("sim: %s %v: want a share above 0, up to 1", name, x)
	}
	return nil
}

// lasting returns what is wrong with how long something lasts.
func lasting(name string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("sim: %s: say for how long", name)
	}
	return nil
}

func (p Partition) validate() error {
	if len(p.Shares) < 2 || len(p.Shares) > math.MaxUint8 {
		return errors.New("sim: partition: want the shares of two groups or more")
	}
	for _, x := range p.Shares {
		if !(x > 0) || math.IsInf(x, 0) {
			return fmt.Errorf("sim: partition: share %v: want more than 0", x)
		}
	}
	return lasting("partition", p.For)
}

func (o OneWay) validate() error {
	return errors.Join(part("one-way", o.Share), lasting("one-way", o.For))
}

func (l Links) validate() error {
	switch {
	case !(l.Loss >= 0 && l.Loss <= 1):
		return fmt.Errorf("sim: links: loss %v: want a share from 0 to 1", l.Loss)
	case l.Delay < 0:
		return errors.New("sim: links: a time is negative")
	}
	return errors.Join(part("links", l.Share), lasting("links", l.For))
}

func (u Uplinks) validate() error {
	switch {
	case u.Rate < 1:
		return fmt.Errorf("sim: uplink of %d bytes a second: want 1 or more", u.Rate)
	case u.Queue < 0:
		return fmt.Errorf("sim: uplink: a queue of %d bytes", u.Queue)
	}
	return errors.Join(part("uplink: share", u.Share), lasting("uplink", u.For))
}

func (f Weather) validate() error {
	return errors.Join(f.Network.validate(), lasting("weather", f.For))
}

func (p Partition) lasts() time.Duration { return p.For }
func (o OneWay) lasts() time.Duration    { return o.For }
func (l Links) lasts() time.Duration     { return l.For }
func (u Uplinks) lasts() time.Duration   { return u.For }
func (f Weather) lasts() time.Duration   { return f.For }

// A hindrance stands in the way of messages for a while.
type hindrance interface {
	// hinder says what becomes of a message: by how much it is later, and whether
	// it gets lost instead.
	hinder(w *World, from, to int32, size int, d *draw) (later time.Duration, lost bool)
}

// hindered asks everything that stands in the way of a message.
func (w *World) hindered(from, to int32, size int, d *draw) (later time.Duration, lost bool) {
	for _, h := range w.hindrances {
		more, gone := h.hinder(w, from, to, size, d)
		if gone {
			return 0, true
		}
		later += more
	}
	return later, false
}

// hinder lets a hindrance stand in the way from now on, and then calls over.
func (w *World) hinder(h hindrance, d time.Duration, over func()) {
	w.hindrances = append(w.hindrances, h)
	w.at(w.now+d, func() {
		w.hindrances = slices.DeleteFunc(w.hindrances, func(x hindrance) bool { return x == h })
		if over != nil {
			over()
		}
	})
}

// salt returns what tells the draws of one fault from those of all others.
func (w *World) salt() uint64 {
	w.salts++
	return mix(w.config.Seed ^ mix(w.salts))
}

// unit returns a number from 0 up to 1 that belongs to x, the same whenever asked.
func unit(salt, x uint64) float64 {
	d := draw(salt ^ mix(x))
	return d.float()
}

// A cut is a partition under way.
type cut struct {
	salt   uint64
	bounds []float64 // where each group ends, as parts of 1
	inward bool      // what is sent into the first group arrives all the same
}

// group returns the number of the group that a peer is in.
func (c *cut) group(i int32) int {
	at := unit(c.salt, uint64(i))
	for g, bound := range c.bounds[:len(c.bounds)-1] {
		if at < bound {
			return g
		}
	}
	return len(c.bounds) - 1
}

func (c *cut) hinder(_ *World, from, to int32, _ int, _ *draw) (time.Duration, bool) {
	a, b := c.group(from), c.group(to)
	return 0, a != b && !(c.inward && b == 0)
}

func (p Partition) begin(w *World) {
	c := &cut{salt: w.salt()}
	whole, so := 0.0, 0.0
	for _, x := range p.Shares {
		whole += x
	}
	for _, x := range p.Shares {
		so += x
		c.bounds = append(c.bounds, so/whole)
	}
	w.cuts = append(w.cuts, c)
	w.bereaved()
	w.hinder(c, p.For, func() {
		w.cuts = slices.DeleteFunc(w.cuts, func(x *cut) bool { return x == c })
		w.watch.apart = true
		w.healing()
	})
}

func (o OneWay) begin(w *World) {
	w.watch.unsure++
	w.hinder(&cut{salt: w.salt(), bounds: []float64{o.Share, 1}, inward: true}, o.For, func() {
		w.watch.unsure--
		w.watch.apart = true
		w.healing()
	})
}

// A crooked is a share of links under way that are worse in one direction.
type crooked struct {
	Links
	salt uint64
}

func (c *crooked) hinder(_ *World, from, to int32, _ int, d *draw) (time.Duration, bool) {
	if unit(c.salt, uint64(from)<<32|uint64(to)) >= c.Share {
		return 0, false
	}
	return c.Delay, d.float() < c.Loss
}

func (l Links) begin(w *World) { w.hinder(&crooked{l, w.salt()}, l.For, nil) }

// narrow are uplinks under way.
type narrow struct {
	Uplinks
	salt uint64
	free []time.Duration // when the line of each peer has nothing more to send
}

func (n *narrow) hinder(w *World, from, _ int32, size int, _ *draw) (time.Duration, bool) {
	if unit(n.salt, uint64(from)) >= n.Share {
		return 0, false
	}
	if more := len(w.nodes) - len(n.free); more > 0 {
		n.free = append(n.free, make([]time.Duration, more)...)
	}
	free := &n.free[from]
	waits := max(*free-w.now, 0)
	if waits.Seconds()*float64(n.Rate)+float64(size) > float64(n.Queue) {
		return 0, true
	}
	*free = w.now + waits + time.Duration(float64(size)/float64(n.Rate)*float64(time.Second))
	return *free - w.now, false
}

func (u Uplinks) begin(w *World) {
	if u.Queue == 0 {
		u.Queue = wholeQueue
	}
	w.hinder(&narrow{Uplinks: u, salt: w.salt()}, u.For, nil)
}

func (f Weather) begin(w *World) {
	w.network = f.Network
	w.weather++
	mine := w.weather
	w.at(w.now+f.For, func() {
		if w.weather == mine { // and none came since
			w.network = w.config.Network
		}
	})
}

// text returns a flow of YAML: name and value by turns, without those that are zero.
func text(pairs ...any) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		value := ""
		switch x := pairs[i+1].(type) {
		case float64:
			value = strconv.FormatFloat(x, 'g', -1, 64)
		case bool:
			value = strconv.FormatBool(x)
		default:
			value = fmt.Sprint(x)
		}
		if i > 0 && (value == "0" || value == "0s" || value == "false") {
			continue
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pairs[i].(string) + ": " + value)
	}
	return b.String()
}

// String returns "partition: 50/50, for: 30s".
func (p Partition) String() string {
	shares := make([]string, len(p.Shares))
	for i, x := range p.Shares {
		shares[i] = strconv.FormatFloat(x, 'g', -1, 64)
	}
	return text("partition", strings.Join(shares, "/"), "for", p.For)
}

// String returns "one-way: 0.1, for: 30s".
func (o OneWay) String() string { return text("one-way", o.Share, "for", o.For) }

// String returns "links: 0.05, loss: 1, for: 30s".
func (l Links) String() string {
	return text("links", l.Share, "loss", l.Loss, "delay", l.Delay, "for", l.For)
}

// String returns "uplink: 4000, share: 0.5, for: 30s".
func (u Uplinks) String() string {
	return text("uplink", u.Rate, "share", u.Share, "queue", u.Queue, "for", u.For)
}

// String returns "weather: 30s, loss: 0.1".
func (f Weather) String() string {
	n := f.Network
	return text("weather", f.For, "loss", n.Loss, "duplicate", n.Duplicate, "jitter", n.Jitter, "flat", n.Flat)
}
