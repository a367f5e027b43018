using System.Net;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.PortMapping;
using Mesh.Simulation.Underlay;

namespace Mesh.Simulation.Tests.Underlay;

/// <summary>The PCP server of a simulated box.</summary>
public sealed class MappingNatBoxTests
{
    private static readonly IPAddress Inside = IPAddress.Parse("10.0.1.254");
    private static readonly PcpNonce Nonce = new(1, 2);

    private readonly TestUnderlay _world = new();
    private readonly NatBox _box;
    private readonly Machine _host;
    private readonly List<PcpResponse> _answers = [];
    private readonly List<(IPEndPoint From, TimeSpan At, byte Octet)> _atHost;
    private int _strangers;

    public MappingNatBoxTests()
    {
        _box = _world.AddNat("198.18.0.1", Inside);
        _host = _world.AddInside(_box, "10.0.1.1");
        _atHost = _world.Listen(_host, 1000);
        foreach (int port in (int[])[40_001, PcpMessage.ClientPort])
            _host.ListenUdp(port, p => _answers.Add(PcpResponse.TryDecode(p.Payload.Span, out PcpResponse response) ? response : default));
    }

    [Fact]
    public void A_mapped_port_lets_strangers_in_until_its_time_is_over_or_it_is_given_back()
    {
        PcpResponse given = Ask(TimeSpan.FromMinutes(10));
        Assert.Equal((PcpResult.Success, TimeSpan.FromMinutes(10), (ushort)7000), (given.Result, given.Lifetime, given.Map!.Value.ExternalPort));
        Assert.Equal(_box.Address, given.Map.Value.ExternalAddress.ToIPAddress().MapToIPv4());
        Assert.True(IsLetIn());
        _world.Run(TimeSpan.FromMinutes(11));
        Assert.False(IsLetIn());
        Ask(TimeSpan.FromMinutes(10));
        Assert.True(IsLetIn());
        Assert.Equal(TimeSpan.Zero, Ask(TimeSpan.Zero).Lifetime);
        Assert.False(IsLetIn());
    }

    [Fact]
    public void What_others_have_is_not_given_away_and_nothing_is_mapped_for_another_address()
    {
        Ask(TimeSpan.FromMinutes(10));
        Assert.Equal(PcpResult.NotAuthorized, Ask(TimeSpan.Zero, nonce: new PcpNonce(6, 6)).Result);
        Assert.Equal(PcpResult.AddressMismatch, Ask(TimeSpan.FromMinutes(10), client: "10.0.1.2").Result);
        Assert.NotEqual(7000, Ask(TimeSpan.FromMinutes(10), port: 1001).Map!.Value.ExternalPort);
        Assert.Equal(2, _box.OpenPorts);
    }

    [Fact]
    public void After_a_restart_it_has_forgotten_all_and_says_so()
    {
        _world.Run(TimeSpan.FromMinutes(1));
        Assert.InRange(Ask(TimeSpan.FromMinutes(10)).EpochSeconds, 59U, 62U);
        _box.Restart();
        _world.Run(TimeSpan.FromSeconds(1));
        Assert.Equal((PcpOpcode.Announce, 0U), (_answers[^1].Opcode, _answers[^1].EpochSeconds));
        Assert.False(IsLetIn());
    }

    private PcpResponse Ask(TimeSpan lifetime, PcpNonce? nonce = null, string client = "10.0.1.1", ushort port = 1000)
    {
        Ipv6Address.TryFrom(IPAddress.Parse(client).MapToIPv6(), out Ipv6Address embedded);
        var map = new PcpMap(nonce ?? Nonce, TransportProtocol.Udp, port, 7000, Ipv6Address.Parse("::ffff:0.0.0.0"));
        _host.Send(new Packet(PacketProtocol.Udp, new IPEndPoint(_host.Address, 40_001), new IPEndPoint(Inside, PcpMessage.ServerPort), new PcpRequest(PcpOpcode.Map, lifetime, embedded, map).Encode()));
        _world.Run(TimeSpan.FromSeconds(1));
        return _answers[^1];
    }

    // Each time somebody else: who was let in may go on talking for a while.
    private bool IsLetIn()
    {
        int before = _atHost.Count;
        TestUnderlay.SendUdp(_world.AddPublic($"198.18.1.{++_strangers}"), 9, new IPEndPoint(_box.Address, 7000));
        _world.Run(TimeSpan.FromSeconds(1));
        return _atHost.Count > before;
    }
}
