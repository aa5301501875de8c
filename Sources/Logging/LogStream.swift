internal import CThreads

/// Standard error as the log sees it: lines are taken at once or lost, and nobody waits for whoever reads them. A thread does.
public enum LogStream {
    /// With its newline. A line that isn't taken is counted.
    static func write(_ line: [UInt8]) {
        // SAFETY: the shim copies as many bytes as it is told.
        _ = unsafe line.withUnsafeBytes { unsafe ct_line($0.baseAddress, $0.count) }
    }

    /// How many lines were lost since the last call; 0 as long as nobody reads, who could be told.
    static func takeLost() -> UInt64 { ct_lost_lines() }

    /// To be called before the program ends: what was taken is read now, or never.
    public static func end() { _ = ct_lines_written(longestEnd_ms) }

    private static let longestEnd_ms: UInt32 = 500
    /// Longer lines are cut.
    static let longestLine = Int(ct_line_bytes)
}
