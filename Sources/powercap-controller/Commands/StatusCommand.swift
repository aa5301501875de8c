/// `powercap-controller status`: the exit status.
func statusCommand(_ invocation: Invocation, settings: Settings) throws(UsageError) -> Int32 {
    complain("`status` is not there yet")
    return 1
}
