internal import PowercapProtocol

extension WritePolicy {
    /// Whether the helper sets limits, and why not.
    var words: String {
        switch self {
        case .accepted: "accepted"
        case .readOnly: "read-only"
        case .stateUnreadable: "refused: the saved originals can't be read"
        case .stateUnwritable: "refused: the originals can't be saved"
        }
    }
}
