package main

import (
	goruntime "runtime"
	"runtime/debug"

	"cicada/wire"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Write one JSON object a line."`
}

// Help is shown by --help.
func (*versionCommand) Help() string { return "Example: cicada version --json" }

// Run shows the version.
func (v *versionCommand) Run(out *console) error {
	out.useJSON(v.JSON)
	version, revision := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version, revision = info.Main.Version, setting(info, "vcs.revision")
		if setting(info, "vcs.modified") == "true" {
			revision += "+changes"
		}
	}
	out.record(struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
		Wire     int    `json:"wire"`
		Platform string `json:"platform"`
	}{version, revision, goruntime.Version(), wire.Version, goruntime.GOOS + "/" + goruntime.GOARCH})
	out.say("cicada %s", version)
	if revision != "" {
		out.say("revision %s", revision)
	}
	out.say("wire format %d, %s, %s/%s", wire.Version, goruntime.Version(), goruntime.GOOS, goruntime.GOARCH)
	return nil
}

// setting returns what the build was told about key, or "".
func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
