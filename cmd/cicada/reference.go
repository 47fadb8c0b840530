package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"cicada/cmd/cicada/internal/reference"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
	JSON  bool   `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*completionCommand) Help() string {
	return `The script completes commands, flags and their values. Tab starts no program. Every new shell has it after one line in its configuration:

    bash, in ~/.bashrc:                   source <(cicada completion bash)
    zsh, in ~/.zshrc, after compinit:     source <(cicada completion zsh)
    fish, in ~/.config/fish/config.fish:  cicada completion fish | source

Example: cicada completion bash`
}

// Run writes the script.
func (c *completionCommand) Run(parser *kong.Kong, out *console) error {
	out.useJSON(c.JSON)
	program, err := reference.New(parser.Model)
	if err != nil {
		return err
	}
	script, err := program.Completion(c.Shell)
	if err != nil {
		return err
	}
	out.record(struct {
		Shell  string `json:"shell"`
		Script string `json:"script"`
	}{c.Shell, script})
	out.text(script)
	return nil
}

type manCommand struct {
	Command string `arg:"" optional:"" placeholder:"COMMAND" help:"Whose page; without it, that of cicada itself."`
	Dir     string `placeholder:"DIR" help:"Write all pages as files into this folder, which is made if need be."`
	JSON    bool   `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*manCommand) Help() string {
	return `The program man finds pages that are installed, in most systems with

    cicada man --dir ~/.local/share/man/man1

and then shows cicada(1), cicada-send(1) and so on.

Example: cicada man send`
}

// Run writes one page, or the files of all.
func (c *manCommand) Run(parser *kong.Kong, out *console) error {
	out.useJSON(c.JSON)
	program, err := reference.New(parser.Model)
	if err != nil {
		return err
	}
	about := reference.About{Date: revisionDate(), Exits: exitStatuses}
	if c.Dir != "" {
		if c.Command != "" {
			return usageError("--dir and %s: with --dir all pages are written", c.Command)
		}
		return c.write(program, about, out)
	}
	page, ok := program.Page(c.Command, about)
	if !ok {
		return usageError("man %s: there is no such command", c.Command)
	}
	out.record(manPage{Page: program.PageName(c.Command), Text: page})
	out.text(page)
	if isTerminal(os.Stdout) {
		out.note("cicada: that is a page for man: cicada man %s | man -l -", c.Command)
	}
	return nil
}

// manPage is one page as JSON has it: its text, or the file that has it.
type manPage struct {
	Page string `json:"page"`
	Text string `json:"text,omitempty"`
	File string `json:"file,omitempty"`
}

// write writes all pages.
func (c *manCommand) write(program *reference.Program, about reference.About, out *console) error {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return usageError("--dir: %w", err)
	}
	for _, command := range program.Commands() {
		name := program.PageName(command)
		page, _ := program.Page(command, about)
		path := filepath.Join(c.Dir, name+".1")
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			return fmt.Errorf("man: %w", err)
		}
		out.record(manPage{Page: name, File: path})
		out.say("%s", path)
	}
	return nil
}

// revisionDate returns the day of the revision that this program was built from, or
// "": never that of the build, so that the same source makes the same pages.
func revisionDate() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	at, err := time.Parse(time.RFC3339, setting(info, "vcs.time"))
	if err != nil {
		return ""
	}
	return at.UTC().Format(time.DateOnly)
}

// exitStatuses say what the exit codes mean.
var exitStatuses = []reference.Entry{
	{Name: fmt.Sprint(exitDone), Text: "It is done."},
	{Name: fmt.Sprint(exitOurFault), Text: "It failed, and the command line is not to blame."},
	{Name: fmt.Sprint(exitUsage), Text: "The command line, or a file that it names, makes no sense."},
	{Name: fmt.Sprint(exitTimeout), Text: "It took too long."},
	{Name: fmt.Sprint(exitRefused), Text: "It was refused, or a message was not delivered."},
	{Name: fmt.Sprint(exitInterrupted), Text: "It was interrupted."},
}

// Files says which file the man page names.
func (*idCommand) Files() []reference.Entry {
	return []reference.Entry{{
		Name: "$XDG_CONFIG_HOME/cicada/identity",
		Text: "The key file, where none is named. XDG_CONFIG_HOME is ~/.config if not set; on macOS the folder is ~/Library/Application Support, on Windows %AppData%.",
	}}
}

// stateFiles says which folder man pages name.
func stateFiles() []reference.Entry {
	return []reference.Entry{{
		Name: "$XDG_STATE_HOME/cicada/PORT",
		Text: "The folder of the peer at that port, where none is named: its key, whom it knew, its socket. XDG_STATE_HOME is ~/.local/state if not set; where there is no such variable, on macOS the folder is ~/Library/Application Support, on Windows %AppData%.",
	}}
}

// Files says which folder the man page names.
func (*upCommand) Files() []reference.Entry { return stateFiles() }

// Files says which folder the man pages of client commands name.
func (*clientFlags) Files() []reference.Entry { return stateFiles() }
