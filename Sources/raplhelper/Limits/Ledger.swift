import LinuxSystem

/// Where a governor's changes are recorded before they are made: the state of this boot, and what the next begins at.
final class Ledger {
    private var state: StateFile?
    /// Nil where a fallback limit isn't wanted at the next boot, or can't be kept.
    private var boot: StateFile?
    /// Whether the next boot begins at today's fallback limits.
    private var isBootRight: Bool

    init(_ state: consuming StateFile?, boot: consuming StateFile?) {
        self.state = state
        isBootRight = boot != nil
        self.boot = boot
    }

    /// Whether somebody has removed this boot's state.
    var isRemoved: Bool { state?.isRemoved ?? false }

    /// Whether the next boot begins at today's fallback limits.
    var isFallbackKept: Bool { isBootRight && boot?.isRemoved == false }

    /// It must have returned before the hardware is written.
    func record(_ zones: [Zone]) throws(Errno) {
        if state != nil { try state!.record(zones) } else { throw .readOnlyFileSystem }
    }

    /// Makes the next boot begin at today's fallback limits, where they have changed: the disk is waited for.
    func keepFallbacks(_ zones: [Zone], _ log: inout LogBudget) {
        guard boot != nil, !isBootRight || boot!.hasOtherFallbacks(zones) else { return }
        do throws(Errno) {
            try boot!.record(zones)
            isBootRight = true
        } catch {
            isBootRight = false
            log.error("the fallback limits can't be saved for the next boot, which may begin at others", "errno=\(error)")
        }
    }
}
