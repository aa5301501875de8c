@testable import raplhelper

extension Options {
    /// As the helper is started over a powercap tree of a test's own, to govern everything that it may have.
    init(powercap root: String) {
        self.init()
        powercapRoot = root
        governed = GovernedKinds(.rapl, .mmio, .scmi, .dtpm)
    }
}

extension Discovery {
    static func zones(below root: String, readOnly: Bool) throws(Problem) -> [Zone] {
        try zones(Options(powercap: root), readOnly: readOnly)
    }
}
