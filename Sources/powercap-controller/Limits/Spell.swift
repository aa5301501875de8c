/// Something that happens again and again: told when it begins, counted, and told when it hasn't happened for a while. What
/// happens at every sample would otherwise be told at every sample, for ever.
struct Spell: Equatable, Sendable {
    /// How often it has happened; 0 while it doesn't.
    private(set) var count = 0
    /// Looks since it last happened.
    private var quiet = 0

    /// It is over after so many looks without it.
    static let quietLooks = 10

    /// Takes note of one more look.
    /// - Returns: how often it happened, where this look shows that it is over.
    mutating func note(_ happens: Bool) -> Int? {
        if happens {
            (count, quiet) = (count + 1, 0)
            return nil
        }
        guard count > 0 else { return nil }
        quiet += 1
        if quiet < Spell.quietLooks { return nil }
        defer { (count, quiet) = (0, 0) }
        return count
    }
}
