package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// profile has the CPU profile of what follows, until the function it returns is
// called, written to <name>.cpu in the folder for profiles, if there is one.
func (b *bench) profile(name string) (stop func(), err error) {
	if b.config.Profiles == "" {
		return func() {}, nil
	}
	f, err := b.profileFile(name + ".cpu")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			b.note("profile %s: %v", name, err)
		}
	}, nil
}

// heapProfile writes what is alive now to <name>.heap. It must follow a
// collection, whose result it shows.
func (b *bench) heapProfile(name string) error {
	if b.config.Profiles == "" {
		return nil
	}
	f, err := b.profileFile(name + ".heap")
	if err != nil {
		return err
	}
	if err := pprof.Lookup("heap").WriteTo(f, 0); err != nil {
		f.Close()
		return fmt.Errorf("profile %s: %w", name, err)
	}
	return f.Close()
}

func (b *bench) profileFile(name string) (*os.File, error) {
	f, err := os.Create(filepath.Join(b.config.Profiles, name))
	if err != nil {
		return nil, fmt.Errorf("--profiles: %w", err)
	}
	return f, nil
}
