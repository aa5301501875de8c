// swift-tools-version: 6.2
// The package is built in two ways. The ordinary build has everything and is what the unit tests run on. With
// POWERCAP_EMBEDDED=1 it holds only the helper's half, compiled as Embedded Swift and linked static-pie: that is the
// binary which ships. Modules of the two modes can't be mixed, so `make` gives each a scratch path of its own.
import PackageDescription

let embedded = Context.environment["POWERCAP_EMBEDDED"] == "1"
let releaseController = Context.environment["POWERCAP_STATIC"] == "1"

let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]
/// Embedded Swift has no checks of exclusive access at run time, but calls of an empty function where they would be, unless it is told so. Those of
/// the compiler stay.
let shared: [SwiftSetting] =
    common
    + (embedded
        ? [
            .unsafeFlags([
                "-enable-experimental-feature", "Embedded", "-Osize", "-Xfrontend", "-function-sections",
                "-enforce-exclusivity=unchecked",
            ])
        ] : [])
/// In the helper nothing unwinds through C: the tables for it would be a part of its megabyte.
let c: [CSetting] = [
    .unsafeFlags(
        ["-Wall", "-Wextra", "-Werror", "-ffunction-sections", "-fdata-sections"]
            + (embedded ? ["-Os", "-fno-asynchronous-unwind-tables"] : []))
]

let helperLink: [LinkerSetting] =
    [.linkedLibrary("cap")]
    + (embedded
        ? [
            .linkedLibrary("m"),
            .unsafeFlags([
                "-enable-experimental-feature", "Embedded", "-use-ld=lld", "-Xlinker", "--gc-sections",
                "-Xlinker", "--icf=all", "-Xlinker", "--pack-dyn-relocs=relr", "-Xclang-linker", "-static-pie",
                "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/scripts/helper.order",
                "-Xlinker", "--no-warn-symbol-ordering",
            ]),
        ] : [])
let controllerStatic: [String] = releaseController ? ["-static-stdlib"] : []
// Nobody looks symbols up in the program, and what is exported can't be left out. The functions that run all the time lie beside each other
// (scripts/order): the kernel maps 64 kB around each page that is touched. Names that are none any more do no harm.
let controllerLink: [String] =
    controllerStatic
    + (releaseController
        ? [
            "-L\(Context.packageDirectory)/.build/archives", "-Xclang-linker", "-static-libgcc",
            "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=safe", "-Xlinker", "--no-export-dynamic",
            "-Xlinker", "--exclude-libs=ALL",
            "-Xlinker", "--symbol-ordering-file=\(Context.packageDirectory)/scripts/controller.order",
            "-Xlinker", "--no-warn-symbol-ordering", "-Xlinker", "-T\(Context.packageDirectory)/scripts/sections.ld",
        ] : [])

/// A section for each function: what nobody calls is left out, and the rest can be ordered.
let sections: [String] = releaseController ? ["-Xfrontend", "-function-sections"] : []
/// Of the controller's half. Only what a year of `plan` runs through is worth more than its size.
let library: [SwiftSetting] = common + [.unsafeFlags(controllerStatic + sections + (releaseController ? ["-Osize"] : []))]
let fastLibrary: [SwiftSetting] = common + [.unsafeFlags(controllerStatic + sections)]

let helperHalf: [Target] = [
    .target(name: "CLinux", cSettings: c),
    .target(name: "CSandbox", cSettings: c),
    .target(name: "LinuxSystem", dependencies: ["CLinux"], path: "Sources/System", swiftSettings: shared),
    .target(name: "PowercapProtocol", path: "Sources/Protocol", swiftSettings: shared),
    .executableTarget(
        name: "raplhelper", dependencies: ["PowercapProtocol", "LinuxSystem", "CSandbox"],
        swiftSettings: shared, linkerSettings: helperLink),
]

let controllerHalf: [Target] = [
    .target(name: "CCurl", cSettings: c),
    .target(name: "CMicrohttpd", cSettings: c),
    .target(name: "CThreads", cSettings: c),
    // What stands alone, from the bottom up; the controller is what knows them all.
    .target(name: "Text", dependencies: ["LinuxSystem"], swiftSettings: fastLibrary),
    .target(name: "JSON", dependencies: ["Text"], swiftSettings: library),
    .target(name: "Signals", dependencies: ["JSON", "Text"], swiftSettings: library),
    .target(name: "Logging", dependencies: ["Text", "LinuxSystem", "CThreads"], swiftSettings: library),
    .target(name: "Policy", dependencies: ["PowercapProtocol"], swiftSettings: fastLibrary),
    .target(name: "Fleet", dependencies: ["PowercapProtocol", "JSON"], swiftSettings: fastLibrary),
    .target(name: "Metrics", dependencies: ["Text"], swiftSettings: library),
    .target(name: "HTTP", dependencies: ["Text", "LinuxSystem", "CCurl", "CThreads"], swiftSettings: library),
    .target(name: "HTTPServer", dependencies: ["LinuxSystem", "CMicrohttpd"], swiftSettings: library),
    .target(name: "Kubernetes", dependencies: ["HTTP", "JSON", "Logging", "Text", "LinuxSystem"], swiftSettings: library),
    .executableTarget(
        name: "powercap-controller",
        dependencies: [
            "Fleet", "Policy", "Signals", "Metrics", "Kubernetes", "HTTP", "HTTPServer", "JSON", "Logging", "Text",
            "PowercapProtocol",
            "LinuxSystem",
        ],
        swiftSettings: library, linkerSettings: [.unsafeFlags(controllerLink)]),
    .executableTarget(
        name: "Simulator", dependencies: ["LinuxSystem"], path: "Tests/Simulator", swiftSettings: common),
    .executableTarget(
        name: "Intruder", path: "Tests/Intruder", cSettings: c, linkerSettings: [.linkedLibrary("seccomp")]),
    .executableTarget(
        name: "MockHelper", dependencies: ["PowercapProtocol", "LinuxSystem"], path: "Tests/MockHelper",
        swiftSettings: common),
    .executableTarget(
        name: "SampleServer", dependencies: ["HTTPServer", "LinuxSystem"], path: "Tests/SampleServer", swiftSettings: common),
    .target(name: "Documents", path: "Tests/Documents", swiftSettings: common),
    .target(name: "Processes", dependencies: ["LinuxSystem"], path: "Tests/Processes", swiftSettings: common),
    .testTarget(name: "ProtocolTests", dependencies: ["PowercapProtocol", "Documents"], swiftSettings: common),
    .testTarget(
        name: "HelperTests", dependencies: ["raplhelper", "Simulator", "PowercapProtocol", "LinuxSystem"],
        swiftSettings: common),
    .target(
        name: "TestSupport",
        dependencies: ["Processes", "Kubernetes", "HTTP", "JSON", "Policy", "PowercapProtocol", "LinuxSystem"],
        path: "Tests/TestSupport",
        swiftSettings: common),
    .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: common),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: common),
    .testTarget(name: "SignalsTests", dependencies: ["Signals", "JSON", "TestSupport"], swiftSettings: common),
    .target(
        name: "FleetSimulator", dependencies: ["Fleet", "PowercapProtocol"], path: "Tests/FleetSimulator", swiftSettings: common),
    .testTarget(name: "FleetTests", dependencies: ["Fleet", "FleetSimulator", "PowercapProtocol"], swiftSettings: common),
    .testTarget(name: "MetricsTests", dependencies: ["Metrics"], swiftSettings: common),
    .testTarget(name: "LoggingTests", dependencies: ["Logging", "TestSupport", "LinuxSystem"], swiftSettings: common),
    .testTarget(name: "PolicyTests", dependencies: ["Policy", "TestSupport", "PowercapProtocol"], swiftSettings: common),
    .testTarget(
        name: "HTTPTests", dependencies: ["HTTP", "CCurl", "SampleServer", "TestSupport", "LinuxSystem"], swiftSettings: common),
    .testTarget(
        name: "HTTPServerTests", dependencies: ["HTTPServer", "SampleServer", "TestSupport", "LinuxSystem"],
        swiftSettings: common),
    .testTarget(
        name: "KubernetesTests", dependencies: ["Kubernetes", "HTTP", "JSON", "Logging", "TestSupport", "LinuxSystem"],
        swiftSettings: common),
    .testTarget(
        name: "ControllerTests",
        dependencies: [
            "powercap-controller", "Fleet", "Policy", "Signals", "Metrics", "Kubernetes", "HTTP", "JSON", "Logging", "Text",
            "TestSupport", "Processes",
            "MockHelper", "Documents", "PowercapProtocol", "LinuxSystem",
        ],
        swiftSettings: common),
    .testTarget(
        name: "IntegrationTests",
        dependencies: [
            "raplhelper", "Simulator", "Intruder", "Documents", "Processes", "CSandbox", "PowercapProtocol", "LinuxSystem",
        ],
        swiftSettings: common),
]

let package = Package(
    name: "powercap",
    products: [.executable(name: "raplhelper", targets: ["raplhelper"])]
        + (embedded ? [] : [.executable(name: "powercap-controller", targets: ["powercap-controller"])]),
    targets: helperHalf + (embedded ? [] : controllerHalf)
)
