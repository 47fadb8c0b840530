package chord

// SetTrace sets Config.Trace, for a driver whose listeners come and go.
func (c *Core) SetTrace(on bool) { c.config.Trace = on }
