public import JSON
public import Logging

/// Which objects are listed and watched, and how much of each is read.
public struct WatchSubject: Sendable {
    let resource: Resource
    /// Such as `metadata.name=node-a`.
    let fieldSelector: String?
    /// Such as `rack=4`.
    let labelSelector: String?
    /// As a list shows them, and as a watch does.
    let (listForm, watchForm): (Resource.Form, Resource.Form)
    /// What a page of a list has at most; 0 is all at once.
    let pageSize: Int
    let (listInterest, eventInterest): (JSONInterest, JSONInterest)
    let bounds: JSONBounds
    /// What logs call them: `the Node`.
    let name: String
    /// What logs say beside that.
    let fields: [Log.Field]

    /// - Parameters:
    ///   - interest: members of each object, as `spec`, beside what every object needs; of its metadata those in `metadata`.
    ///   - listInterest: where a list shows more than a watch does.
    public init(
        _ resource: Resource, fieldSelector: String? = nil, labelSelector: String? = nil, list listForm: Resource.Form,
        watch watchForm: Resource.Form, pageSize: Int = 100, metadata: [String: JSONInterest] = [:],
        interest: [String: JSONInterest] = [:], listInterest: [String: JSONInterest]? = nil, within bounds: JSONBounds = .file,
        called name: String, _ fields: [Log.Field] = []
    ) {
        (self.resource, self.fieldSelector, self.labelSelector) = (resource, fieldSelector, labelSelector)
        (self.listForm, self.watchForm, self.pageSize, self.bounds) = (listForm, watchForm, pageSize, bounds)
        (self.name, self.fields) = (name, fields)
        let head = JSONInterest.members(
            metadata.merging(["name": .all, "uid": .all, "resourceVersion": .all]) { given, _ in given })
        let item = (listInterest ?? interest).merging(["metadata": head]) { given, _ in given }
        // A watch's object is a Status where it is an error.
        let status: [String: JSONInterest] = ["kind": .all, "reason": .all, "message": .all, "code": .all]
        let object = interest.merging(["metadata": head]) { given, _ in given }.merging(status) { given, _ in given }
        self.listInterest = .members([
            "metadata": .members(["resourceVersion": .all, "continue": .all]), "items": .each(.members(item)),
        ])
        eventInterest = .members(["type": .all, "object": .members(object)])
    }
}
