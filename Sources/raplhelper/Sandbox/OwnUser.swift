import LinuxSystem

/// Who the helper becomes once its files are open. Whoever else has this uid may stop or kill it (kill(2)), and a helper that is
/// stopped lets no lease expire: it has to be its own.
struct OwnUser: Equatable {
    let uid: UInt32
    let gid: UInt32

    static let name = "raplhelper"
    /// For where there is no user of that name: one of those that neither Debian nor systemd gives to anybody (Debian policy
    /// 9.2.2: 65000 to 65533 are reserved; systemd's UIDS-GIDS: 65520 to 65533 are unused).
    static let withoutName: UInt32 = 65_523

    /// - Parameter asked: `--user`; uid and gid are then the same number.
    init(_ asked: UInt32?, users: String = AccountFile.users, groups: String = AccountFile.groups) {
        if let asked {
            (uid, gid) = (asked, asked)
        } else if case .id(let uid) = AccountFile.id(of: OwnUser.name, in: users), uid != 0 {
            self.uid = uid
            if case .id(let gid) = AccountFile.id(of: OwnUser.name, in: groups) { self.gid = gid } else { gid = uid }
        } else {
            (uid, gid) = (OwnUser.withoutName, OwnUser.withoutName)
        }
    }

    /// The name of the user who has this uid too; nil when it is the helper's alone, as far as the file of users says.
    func other(users: String = AccountFile.users) -> Message? {
        guard uid != 0, let name = AccountFile.name(of: uid, in: users) else { return uid == 65_534 ? "nobody" : nil }
        let found = Message(bytes: name.span)
        return found.string.isSame(as: "raplhelper") ? nil : found
    }
}
