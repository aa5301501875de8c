internal import JSON

/// The object that Events are about, and who tells of them. It belongs to no namespace, so that its Events live in the namespace default.
public struct EventSubject: Equatable, Sendable {
    private let apiVersion: String
    private let kind: String
    /// The object's.
    let name: String
    private let uid: String
    /// Who tells of it, as a name with a domain.
    let reporter: String
    /// Which one of those that are called so.
    let instance: String

    /// - Parameters:
    ///   - uid: by which `kubectl describe` looks for the Events.
    ///   - instance: which one of those that are called like `reporter`; cut off after 128 characters.
    public init(apiVersion: String, kind: String, name: String, uid: String, reporter: String, instance: String) {
        (self.apiVersion, self.kind, self.name, self.uid) = (apiVersion, kind, name, uid)
        (self.reporter, self.instance) = (reporter, String(instance.prefix(128)))
    }

    /// A Node, of which its own agent tells.
    public static func node(_ name: String, reporter: String) -> EventSubject {
        // kubectl looks for a Node's Events by its name in the place of the uid.
        EventSubject(apiVersion: "v1", kind: "Node", name: name, uid: name, reporter: reporter, instance: name)
    }

    var json: JSON { ["apiVersion": .text(apiVersion), "kind": .text(kind), "name": .text(name), "uid": .text(uid)] }
}
