using Mesh.Fuzz.Tests.Harness;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Fuzz.Tests.Targets;

/// <summary>What an OpenVPN process says; a part of it is what its peers have told it.</summary>
internal static class OpenVpnTargets
{
    private static readonly IReadOnlyList<byte[]> Pieces = Target.Tokens(">CLIENT: CONNECT REAUTH ESTABLISHED DISCONNECT ENV, END >UPDOWN: UP DOWN >HOLD: >STATE: >LOG: >FATAL: SUCCESS: ERROR: , = 4294967295 common_name=");

    public static IEnumerable<FuzzTarget> All() =>
    [
        Target.Text<ManagementLine>("openvpn/line", [">CLIENT:CONNECT,0,1", ">CLIENT:ENV,common_name=2/16", ">UPDOWN:UP", ">STATE:1,CONNECTED,SUCCESS,,10.0.0.1,1194,,", "SUCCESS: x"], ManagementLine.TryParse) with { Tokens = Pieces },
        Target.Text<OpenVpnVersion>("openvpn/version", ["OpenVPN 2.6.14 x86_64"], OpenVpnVersion.TryParse, static version => $"OpenVPN {version}"),
        Target.Octets("openvpn/stream", [">HOLD:x\n>CLIENT:CONNECT,0,1\n>CLIENT:ENV,common_name=2/16\n>CLIENT:ENV,END\n>UPDOWN:UP\n>UPDOWN:ENV,dev=tap\n>UPDOWN:ENV,END\n"u8.ToArray()], static octets =>
        {
            var notices = new List<ManagementNotice>();
            new ManagementReader().Append(octets, notices);
            return notices;
        }) with
        {
            Tokens = Pieces,
            BaseOctets = 64 * 1024,
            Check = static (_, value) => ((List<ManagementNotice>)value).All(static notice => notice.Variables.Count <= ManagementReader.MaxVariables) ? null : "too many variables",
        },
    ];
}
