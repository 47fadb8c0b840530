package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cicada/identity"
	"cicada/identity/pair"
	"cicada/swarm"
	"cicada/trace"
	"cicada/transport"
)

// peerFlags are the flags of every command that runs one peer.
type peerFlags struct {
	Bind      string   `placeholder:"[HOST]:PORT[@EXTERNAL:PORT]" help:"Where to listen, and where others can dial that from outside."`
	Interface string   `placeholder:"HOST" help:"Listen at this address only, at --port."`
	Port      *int     `short:"p" placeholder:"N" help:"The port to listen on (49610); 0 is any free one."`
	Join      []string `placeholder:"HOST:PORT" sep:"none" help:"A peer of the swarm to join; more than one may be named."`
	Identity  string   `placeholder:"FILE" help:"The key file of the peer. Without it, run makes a key for this run only, and up one that it keeps in its folder."`
	swarmFlags
}

// swarmFlags are the flags of every command that runs peers.
type swarmFlags struct {
	Config configFile `placeholder:"FILE.yaml" help:"Values for flags that are not given here, one flag: value a line."`

	Timeout         patience `default:"10s" placeholder:"TIME" help:"How long joining is tried, and each message (${default})."`
	NoPortMapping   bool     `aliases:"no-forwarding" help:"Do not ask the router to open the port."`
	MappingAttempts int      `hidden:"" default:"-1"`
	Metrics         string   `hidden:""`

	Swarm      string `default:"cicada" placeholder:"NAME" help:"The swarm to belong to (${default})."`
	Difficulty int    `placeholder:"K" help:"The difficulty of the swarm, in bits (0 to 32)."`
	Secret     string `placeholder:"FILE" help:"A file with what only members of the swarm know."`

	Keys string `placeholder:"FILE" help:"A file with keys that are shared with single other peers: with those, messages are exchanged under these keys alone."`

	ringFlags

	Trace  tracePath `placeholder:"FILE" help:"Write every event into this file, one JSON object a line."`
	LogDir string    `placeholder:"DIR" help:"Write the log into a file of this folder, one a process."`
	Stdout bool      `help:"Write the log to stdout."`
	Debug  bool      `short:"d" help:"Write details into the log."`
	JSON   bool      `name:"json" help:"Write one JSON object a line."`
}

// patience is a time that may be given as a number of seconds, too.
type patience time.Duration

// UnmarshalText reads "10s", "1m30s" or "10".
func (p *patience) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if seconds, bad := strconv.ParseInt(string(text), 10, 32); bad == nil {
		d, err = time.Duration(seconds)*time.Second, nil
	}
	switch {
	case err != nil:
		return fmt.Errorf("want a time, like 10s, not %.100q", text)
	case d <= 0:
		return fmt.Errorf("want a time above 0, like 10s, not %.100q", text)
	}
	*p = patience(d)
	return nil
}

// check refuses flags that do not go together, and those whose machinery is still
// missing, rather than ignore them.
func (f *swarmFlags) check() error {
	if f.Stdout && f.JSON {
		return usageError("--stdout and --json: with --json nothing but objects is written to stdout")
	}
	for _, x := range []struct {
		given bool
		flag  string
		why   string
	}{
		{f.Metrics != "", "--metrics", "metrics do not exist yet"},
		{f.MappingAttempts >= 0, "--mapping-attempts", "ports are not mapped yet"},
	} {
		if x.given {
			return usageError("%s: %s", x.flag, x.why)
		}
	}
	return nil
}

// warn says what is not done, unless one asked not to have it done.
func (f *swarmFlags) warn(out *console) {
	if !f.NoPortMapping {
		out.note("cicada: ports are not opened on routers yet: peers outside reach this one only where that was done by hand")
	}
}

// A running is a peer that a command runs, and what has to be closed after it.
type running struct {
	*swarm.Peer
	flags *peerFlags
	out   *console
	closers
}

// closers close what a command opened.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

// end closes all, what came last first.
func (c *closers) end() (err error) {
	for i := len(*c) - 1; i >= 0; i-- {
		err = errors.Join(err, (*c)[i]())
	}
	*c = nil
	return err
}

// start runs a peer as the flags say, and joins it to its swarm where they name one.
func (f *peerFlags) start(ctx context.Context, out *console) (*running, error) {
	r, err := f.open(ctx, out, identity.PrivateKey{})
	if err == nil && len(f.Join) > 0 {
		if err = r.join(ctx, f.Join); err != nil {
			err = errors.Join(err, r.end())
		}
	}
	return r, err
}

// open runs a peer as the flags say, alone so far, under a key of its own where
// they name none.
func (f *peerFlags) open(ctx context.Context, out *console, key identity.PrivateKey) (_ *running, err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	r := &running{flags: f, out: out}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.end())
		}
	}()
	config, err := f.config(ctx, out)
	if err != nil {
		return nil, err
	}
	if f.Identity == "" {
		config.Key = key
	} else if unlock, err := lockKey(f.Identity); err != nil {
		return nil, err
	} else {
		r.add(unlock)
	}
	if f.Difficulty > 0 && config.Key.IsZero() { // it can take a while, which is to be seen
		if config.Key, err = solve(ctx, uint8(f.Difficulty), out); err != nil {
			return nil, err
		}
	}
	if err := f.observe(&config, out, &r.closers); err != nil {
		return nil, err
	}
	r.Peer, err = swarm.Listen(ctx, config)
	switch {
	case errors.Is(err, transport.ErrAddressUsed):
		return nil, fmt.Errorf("another program listens at %s: choose another port with --bind or --port", config.Address)
	case errors.Is(err, identity.ErrDifficulty) && f.Identity != "":
		return nil, &codedError{exitRefused, fmt.Errorf("the key in %s does not meet --difficulty %d; cicada id --new --difficulty %d --identity FILE makes one that does",
			f.Identity, f.Difficulty, f.Difficulty)}
	case err != nil:
		return nil, err
	}
	r.add(r.Close)
	f.warn(out)
	return r, nil
}

// join joins the swarm of any of the seeds, as long as the flags give it.
func (r *running) join(ctx context.Context, seeds []string) error {
	r.out.show("joining through %s, for %v at most", strings.Join(seeds, ", "), time.Duration(r.flags.Timeout))
	defer r.out.clearProgress()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.flags.Timeout))
	defer cancel()
	return r.Join(ctx, seeds...)
}

// leave hands over what the peer has and closes all. It takes at most a second and a
// half: an interrupt is to be over within three, and others have to be done then, too.
func (r *running) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	err := r.Leave(ctx)
	if errors.Is(err, swarm.ErrClosed) || errors.Is(err, context.DeadlineExceeded) {
		err = nil // left already, or nobody was there to hand over to
	}
	return errors.Join(err, r.end())
}

// config turns the flags into a peer's configuration.
func (f *peerFlags) config(ctx context.Context, out *console) (c swarm.Config, err error) {
	if c, err = f.membership(ctx, out); err != nil {
		return c, err
	}
	if c.Address, c.Advertise, err = f.addresses(ctx); err != nil {
		return c, err
	}
	if f.Identity != "" {
		if c.Key, err = identity.LoadKey(f.Identity, nil); err != nil {
			return c, (&idCommand{Identity: f.Identity}).explain(err, f.Identity)
		}
	}
	return c, nil
}

// membership returns the configuration that all peers of these flags share.
func (f *swarmFlags) membership(ctx context.Context, out *console) (c swarm.Config, err error) {
	if f.Difficulty < 0 || f.Difficulty > identity.MaxDifficulty {
		return c, usageError("--difficulty %d: want 0 to %d", f.Difficulty, identity.MaxDifficulty)
	}
	if c.Ring, err = f.ring(); err != nil {
		return c, err
	}
	var secret []byte
	if f.Secret != "" {
		if secret, err = identity.ReadSecret(f.Secret); err != nil {
			return c, usageError("--secret: %w", err)
		}
	}
	if c.Swarm, err = identity.NewSwarm(f.Swarm, uint8(f.Difficulty), secret); err != nil {
		return c, &codedError{exitUsage, err}
	}
	c.SendTimeout = time.Duration(f.Timeout)
	c.Keys, err = f.keys(ctx, out)
	return c, err
}

// keys reads the file of --keys. That takes a while for each entry, which is to be seen.
func (f *swarmFlags) keys(ctx context.Context, out *console) (*pair.Keys, error) {
	if f.Keys == "" {
		return nil, nil
	}
	defer out.clearProgress()
	keys, err := pair.Load(ctx, f.Keys, func(done, total int) {
		out.show("deriving keys from %s: %d of %d entries", f.Keys, done, total)
	})
	if err != nil && ctx.Err() == nil {
		return nil, usageError("--keys: %w", err)
	}
	return keys, err
}

// addresses returns where to listen, and what to tell others where that differs.
func (f *peerFlags) addresses(ctx context.Context) (listen string, advertise []netip.AddrPort, err error) {
	if f.Bind == "" {
		port, err := f.port()
		return net.JoinHostPort(f.Interface, strconv.Itoa(port)), nil, err
	}
	if f.Interface != "" || f.Port != nil {
		return "", nil, usageError("--bind says what --interface and --port say: give it, or them")
	}
	inside, outside, both := strings.Cut(f.Bind, "@")
	if _, port, err := net.SplitHostPort(inside); err != nil || !isPort(port, 0) {
		return "", nil, usageError("--bind %q: want [HOST]:PORT, or [HOST]:PORT@EXTERNAL:PORT", f.Bind)
	}
	if !both {
		return inside, nil, nil
	}
	host, port, err := net.SplitHostPort(outside)
	if err != nil || host == "" || !isPort(port, 1) {
		return "", nil, usageError("--bind %q: want EXTERNAL:PORT behind the @", f.Bind)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", nil, usageError("--bind %q: %w", f.Bind, err)
	}
	number, _ := strconv.ParseUint(port, 10, 16)
	for _, ip := range ips {
		advertise = append(advertise, netip.AddrPortFrom(ip.Unmap(), uint16(number)))
	}
	return inside, advertise, nil
}

// defaultPort is 0xC1CA.
const defaultPort = 49610

// port returns the port to listen on where --bind does not say.
func (f *peerFlags) port() (int, error) {
	if f.Port == nil {
		return defaultPort, nil
	}
	return *f.Port, checkPort(*f.Port, 0)
}

func checkPort(port, least int) error {
	if port < least || port > 65535 {
		return usageError("--port %d: want %d to 65535", port, least)
	}
	return nil
}

func isPort(text string, least uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= least
}

// observe sets where log and events of peers go. What it opens is added to after.
func (f *swarmFlags) observe(c *swarm.Config, out *console, after *closers) (err error) {
	if c.Logger, err = f.logger(out.logWriter(), after); err == nil {
		c.Trace, err = f.tracer(out, after)
	}
	return err
}

// logger returns where the log goes: a file of --log-dir, stdout, both or nowhere.
func (f *swarmFlags) logger(stdout io.Writer, after *closers) (*slog.Logger, error) {
	var to []io.Writer
	if f.LogDir != "" {
		if err := os.MkdirAll(f.LogDir, 0o700); err != nil {
			return nil, usageError("--log-dir: %w", err)
		}
		file, err := os.OpenFile(filepath.Join(f.LogDir, fmt.Sprintf("cicada-%d.log", os.Getpid())), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return nil, usageError("--log-dir: %w", err)
		}
		after.add(file.Close)
		to = append(to, file)
	}
	if f.Stdout {
		to = append(to, stdout)
	}
	if len(to) == 0 {
		return nil, nil
	}
	level := slog.LevelInfo
	if f.Debug {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(io.MultiWriter(to...), &slog.HandlerOptions{Level: level})), nil
}

// tracer returns a sink that writes into the file of --trace.
func (f *swarmFlags) tracer(out *console, after *closers) (trace.Sink, error) {
	if f.Trace == "" {
		return nil, nil
	}
	const buffer = 1 << 12
	t, err := openTrace(f.Trace, buffer, out.noteSoon)
	if err != nil {
		return nil, usageError("--trace: %w", err)
	}
	after.add(t.keepFlushed())
	return t, nil
}
