/// Why the helper can't start, in the sentence that a person reads: what failed, on what, why, and what to do next.
struct Problem: Error {
    /// Absent, denied and failed call for different things.
    enum Kind { case absent, denied, failed }

    let kind: Kind
    let sentence: Message

    init(_ kind: Kind = .failed, _ sentence: Message) { (self.kind, self.sentence) = (kind, sentence) }
}
