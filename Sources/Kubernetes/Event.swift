/// Something that happened to an object, as `kubectl describe` tells of it (events.k8s.io/v1).
public struct Event: Equatable, Sendable {
    /// As `kubectl` shows it.
    public enum Kind: String, Sendable { case normal = "Normal", warning = "Warning" }

    /// What was done or tried, in CamelCase.
    let action: String
    /// Why this Event is told, in CamelCase.
    public let reason: String
    let type: Kind
    /// What it is about, within the object. Events of one reason and subject are one series.
    let subject: String
    /// What a person reads.
    let note: String

    public init(action: String, reason: String, type: Kind, subject: String, note: String) {
        (self.action, self.reason, self.type, self.subject, self.note) = (action, reason, type, subject, note)
    }
}
