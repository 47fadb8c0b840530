package adversary

import (
	"slices"
	"time"
)

// A kind of behaviour has a name.
type kind struct {
	name string
	make func() Behaviour
}

// kinds are the behaviours by name. Each call makes one for one foe.
var kinds = []kind{
	{"drop", func() Behaviour { return Drop{} }},
	{"corrupt", func() Behaviour { return Corrupt{} }},
	{"misroute", func() Behaviour { return Misroute{} }},
	{"swallow", func() Behaviour { return Drop{Only: Answers} }},
	{"drop-copies", func() Behaviour { return Drop{Only: Copies} }},
	{"drop-victim", func() Behaviour { return Drop{Only: Victims} }},
	{"lie-colluders", func() Behaviour { return Lie{Story: Colluders} }},
	{"lie-nearest", func() Behaviour { return Lie{Story: Nearest} }},
	{"lie-fresh", func() Behaviour { return Lie{Story: Fresh} }},
	{"lie-mixed", func() Behaviour { return Lie{Story: Mixed} }},
	{"sparse", func() Behaviour { return Sparse{} }},
	{"replay", func() Behaviour { return new(Replay) }},
	{"churn", func() Behaviour { return Churn{Every: 10} }},
	{"delay", func() Behaviour { return Delay{Ack: 20 * time.Millisecond, Hold: 700 * time.Millisecond} }},
	{"lag", func() Behaviour { return Lag{Most: 400 * time.Millisecond} }},
	{"frame", func() Behaviour { return Frame{Complaints: 4} }},
	{"poison", func() Behaviour { return Lie{Story: Nearest, Refresh: true} }},
	{"surround-target", func() Behaviour { return Surround{} }},
	{"surround-source", func() Behaviour { return Surround{Source: true} }},
	{"oscillate", func() Behaviour { return Oscillate{Bad: Drop{}, Period: 5 * time.Second} }},
}

// Names returns the names of all behaviours.
func Names() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Named returns a behaviour for one foe, or nil where there is none of that name.
func Named(name string) Behaviour {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if i < 0 {
		return nil
	}
	return kinds[i].make()
}
