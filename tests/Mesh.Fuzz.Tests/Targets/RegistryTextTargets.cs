using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Actors.Persistence.Postgres;
using Mesh.Fuzz.Tests.Corpus;
using Mesh.Fuzz.Tests.Harness;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Registry.Geography;
using Mesh.Registry.Http;
using Mesh.Registry.Http.Cluster;
using Mesh.Registry.Mail;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>Requests to a registry: targets, headers and arguments.</summary>
internal static class RegistryTextTargets
{
    private static readonly JsonElement Auth = Files.Json("registry-auth.json");

    private static readonly IReadOnlySet<string> Authorized = new HashSet<string>(StringComparer.Ordinal) { "127.0.0.1", "::1" };

    private static readonly LeaderSecret Secret = new(new byte[32]);

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Text<RegistryCall>(
            "registry/call", [.. Files.Values(Auth, "path"), .. Files.Values(Auth, "url").Select(static url => url.StartsWith("/sub", StringComparison.Ordinal) ? url[4..] : url), "/getCa", "/x?", "/hello?client_prefix=01&protocol=10"],
            static (ReadOnlySpan<char> text, [MaybeNullWhen(false)] out RegistryCall call) => RegistryCall.TryParse(text.ToString(), out call),
            static call => RegistryCall.Create(call.Method, [.. call.Arguments.Select(static argument => (argument.Key, argument.Value))]).Target, IsSameCall)
            with
        {
            Covers = [Methods.Name(typeof(RegistryCall), nameof(RegistryCall.TryParse))],
            Tokens = Target.Tokens("& = ? / % + # %00 %C3 %C3%A9 %ED%A0%80 %FF &cn= ?cn=1 &&&&& cn_or_serial"),
            OctetsPerOctet = 96,
        },
        Target.Text("registry/target-problem", [.. Files.Values(Auth, "path"), "/a/b", "/x?=%ff", "/x?a"], ProblemOfTarget) with { Tokens = Target.Tokens("& = ? / % + %00 %C3 %g0 %+1"), OctetsPerOctet = 96 },
        // Peers, forwarded peers and verbs as lines below the target.
        new FuzzTarget("registry/whole", Target.Encode(
            [
                "/getNetworkConfig?cn=NODE", "/hello?client_prefix=NODE&protocol=10\n192.0.2.7", "/requestCertificate?token=node&req=r&location=FR,EU&ip=\n192.0.2.7", "/requestToken?email=a%40example.com", "/getCa\n192.0.2.7\n192.0.2.8",
                "/renewCertificate?cn=NODE", "/getBootstrapPeer?cn=NODE", "/advertise?cn=NODE&addresses=192.0.2.1,326,mesh", "/getCountry?cn=NODE&address=192.0.2.1", "/getDh?cn=NODE", "/revoke?cn_or_serial=1/16\n::1", "/addToken?email=a&token=t\n::1",
                "/deleteToken?token=t\n::1", "/isToken?token=node\n::1", "/updateHMAC\n::1", "/getNodePrefix?email=a\n::1", "/getIPv6Address?email=a\n::1", "/getIPv4Information?email=a\n::1", "/versions\n::1", "/topology\n::1", "/getRevocation?serial=1", "/\n\n\nPOST",
            ]))
        {
            IsText = true,
            Prepare = static input => RegistryCalls.Prepare(input.Text),
            Tokens = Target.Tokens("& = ? %00 %C3%A9 NODE cn= 18446744073709551615 18446744073709551616 0/0 1/127 , ; -1 ::1 token= &ip= &location=FR,EU"),
            OctetsPerOctet = 256,
            BaseOctets = 1024 * 1024,
            Share = 5,
            BaseTime = TimeSpan.FromMilliseconds(100),
        },
        new FuzzTarget("registry/local-node", [.. Files.HexValues(Network.Peers.GetProperty("loopback"), "hex")])
        {
            Prepare = static input => RegistryCalls.Answer(input.Octets),
            Tokens = Target.Encode(["0000000000000000\0\u0005", "0000000000000001\0\u0004", "0000000000000000\0\u0001", "2/16", "0/16 1/16", "340282366920938463463374607431768211455/127", ", ", "192.0.2.1,326,mesh"]),
            OctetsPerOctet = 256,
            BaseOctets = 1024 * 1024,
            BaseTime = TimeSpan.FromMilliseconds(100),
            Share = 2,
        },
        Target.Text("registry/origin", ["127.0.0.1", "2001:db8::1, 10.0.0.1", "::ffff:127.0.0.1", "fe80::1%1"], Originate) with { Tokens = Target.Tokens(", ::1 127.0.0.1 % ::ffff: [ ] :80") },
        Target.Text("registry/forwarded", [Forwarded("192.0.2.1 0123456789ABCDEF 0"), Forwarded("2001:db8::1 0000000000000000 9223372036854775807")],
            static header => new ForwardingVerifier(Secret).Check(header, Call, out IPAddress peer) == ForwardingVerdict.Genuine ? peer : null)
            with { Repairs = [SignForwarded], MaxLength = 300 },
        Target.Text("registry/location", ["FR,EU", "*,EU", "DE,*", "*,*"], static text => Country.ParseLocation(text), Methods.Name(typeof(Country), nameof(Country.ParseLocation)))
            with { MaxLength = 32, Check = static (_, value) => Country.ParseLocation(value.ToString()).Equals((Country)value) ? null : $"{value} is not read again" },
        Target.Text("registry/mail-address", ["a@example.com", "a.b+c@d-e.f", "x@y"], static text => MailAddress.ProblemOf(text) is null ? text : null)
            with { Tokens = Target.Tokens("@ . - .. @@ ! \r\n"), MaxLength = 300, Check = static (_, value) => ((string)value).All(static c => c is > ' ' and < '\x7F') ? null : "it has characters that change the meaning of a mail's header" },
    ];

    private static RegistryRequest Call => new("GET", "/getCa", IPAddress.Loopback);

    private static bool IsSameCall(RegistryCall a, RegistryCall b) => a.Method == b.Method && a.Arguments.SequenceEqual(b.Arguments);

    private static object? ProblemOfTarget(string target)
    {
        bool isRead = RegistryCall.TryParse(target, out RegistryCall? call);
        string? problem = TargetProblem.Of(target);
        if (isRead != problem is null)
            throw new InvalidOperationException($"it is {(isRead ? "read" : "refused")}, and the problem is '{problem}'");
        if (call is not null && RegistryMethod.TryFind(call.Method, out RegistryMethod? method))
            _ = method.Accepts(call);
        _ = new RegistryRequest("GET", target, IPAddress.Loopback).ToString();
        return call;
    }

    private static object? Originate(string forwardedFor)
    {
        RegistryRequest request = Call with { ForwardedFor = forwardedFor };
        bool isAllowed = Origins.IsAllowed(Authorized, request);
        string client = Origins.ClientOf(request);
        IPAddress responsible = Origins.ResponsibleFor(Authorized, request);
        return !IPAddress.TryParse(client, out _) ? throw new InvalidOperationException($"'{client}' is no address") : isAllowed ? responsible : null;
    }

    private static string Forwarded(string said) => $"{said} {ForwardingSeal.MacOf(Secret, said, Call)}";

    private static byte[] SignForwarded(DeterministicRandom random, byte[] octets)
    {
        string header = FuzzInput.TextOf(octets);
        string[] parts = header.Split(' ');
        return parts.Length < 3 ? octets : Encoding.UTF8.GetBytes(Forwarded(string.Join(' ', parts.Take(3))));
    }
}
