internal import LinuxSystem

/// What is wrong with a file that somebody names, before anything of its contents is. Absent, denied and failed are different for whoever
/// has to mend it; what to do about each depends on the file, and is said where that is known.
protocol FileProblem {
    static var absent: Self { get }
    static var denied: Self { get }
    static var notAFile: Self { get }
    static func unreadable(_ errno: Errno) -> Self
}

extension FileProblem {
    init(_ problem: GivenFile.Problem) {
        switch problem {
        case .notAFile: self = .notAFile
        case .failed(.noEntry): self = .absent
        case .failed(.denied), .failed(.notPermitted): self = .denied
        case .failed(let errno): self = .unreadable(errno)
        }
    }
}
