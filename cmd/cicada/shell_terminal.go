package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"golang.org/x/term"

	"cicada/cmd/cicada/internal/shell"
)

// A terminal is where somebody types commands. It is raw until restore, which can be
// called at any time and more than once.
type terminal struct {
	editor  *term.Terminal // nil: there is no terminal
	keys    *shell.Keys
	screen  *os.File
	restore func()
}

const prompt = "> "

// openTerminal takes over the terminal that in is. Where it is none, or lines cannot
// be shown while they are edited, the one returned has no editor.
func openTerminal(in *os.File, out *console) (*terminal, error) {
	t := &terminal{restore: func() {}}
	if !term.IsTerminal(int(in.Fd())) {
		return t, nil
	}
	var closeScreen func() error
	if t.screen, closeScreen = openScreen(); t.screen == nil {
		return t, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, errors.Join(err, closeScreen())
	}
	plainScreen := obeySequences(t.screen)
	t.keys = shell.NewKeys(in)
	t.editor = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{t.keys, t.screen}, prompt)
	endRedirect := out.redirect(t.editor)
	stopResizing := t.followSize()
	t.restore = sync.OnceFunc(func() {
		stopResizing()
		endRedirect()
		plainScreen()
		_ = term.Restore(int(in.Fd()), before) // a terminal that is gone needs none
		_ = closeScreen()
	})
	return t, nil
}

// openScreen returns where the line that is edited is shown: stdout where that is a
// terminal, else stderr, else the terminal of the process; nil if there is none.
func openScreen() (*os.File, func() error) {
	for _, file := range []*os.File{os.Stdout, os.Stderr} {
		if isTerminal(file) {
			return file, func() error { return nil }
		}
	}
	file, err := os.OpenFile(ownTerminal, os.O_WRONLY, 0)
	if err != nil {
		return nil, nil
	}
	return file, file.Close
}

// followSize tells the editor how wide the terminal is, now and whenever that changes.
func (t *terminal) followSize() (stop func()) {
	resize := func() {
		if width, height, err := term.GetSize(int(t.screen.Fd())); err == nil && width > 0 {
			_ = t.editor.SetSize(width, height) // what cannot be drawn is drawn with the next key
		}
	}
	resize()
	changes, done := make(chan os.Signal, 1), make(chan struct{})
	notifyOfSize(changes)
	go func() {
		for {
			select {
			case <-changes:
				resize()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(changes)
		close(done)
	}
}

// serve runs what is typed, until quit, Ctrl-D or the end of ctx.
func (t *terminal) serve(ctx context.Context, s *shell.Shell, out *console) error {
	stop := context.AfterFunc(ctx, func() {
		t.restore() // before peers leave: a second signal ends the process at once
		t.keys.Close()
	})
	defer stop()
	t.editor.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos, choices := s.Complete(line, pos)
		if len(choices) > 0 {
			fmt.Fprintln(t.editor, strings.Join(choices, "  "))
		}
		return line, pos, true
	}
	fmt.Fprintln(t.editor, "help lists the commands, quit ends")
	for {
		doing, cancel := context.WithCancel(ctx)
		t.keys.OnInterrupt(cancel)
		line, err := t.editor.ReadLine()
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			cancel()
			_, _ = io.WriteString(t.screen, "\r\n") // behind the prompt
			if ctx.Err() != nil || errors.Is(err, io.EOF) {
				err = ctx.Err()
			}
			return err
		}
		err = s.Run(doing, line)
		interrupted := err != nil && doing.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, shell.ErrQuit):
			return nil
		case interrupted:
			out.note("interrupted")
		case err != nil:
			out.note("%s", plainly(err))
		}
	}
}
