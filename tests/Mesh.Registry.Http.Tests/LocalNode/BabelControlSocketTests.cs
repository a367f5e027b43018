using System.Buffers.Binary;
using System.Net.Sockets;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.BabelControl;
using Mesh.Registry.Http.LocalNode;
using Mesh.Registry.LocalNode;

namespace Mesh.Registry.Http.Tests.LocalNode;

public sealed class BabelControlSocketTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _directory = Directory.CreateTempSubdirectory("babelctl").FullName;
    private readonly Mailbox _mailbox = new();
    private readonly Socket _daemon = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private string SocketPath => Path.Combine(_directory, "babeld.sock");

    [Fact]
    public async Task Installed_routes_are_read()
    {
        Listen();
        DumpedRoute installed = Route("2001:db8:42:1::/64", flags: 1);
        byte[] answer = new DumpResponse([new DumpedInterface(3, "re6stnet1")], [], [], [installed, Route("2001:db8:42:2::/64", flags: 0)]).Encode();
        Task serving = ServeAsync(answer);
        new BabelControlSocket(SocketPath).Dump(_mailbox.Ref);
        Assert.Equal([installed.Prefix], (await _mailbox.NextAsync<RoutesDumped>()).Prefixes);
        await serving;
    }

    [Fact]
    public async Task A_dump_of_ten_thousand_routes_comes_in_pieces()
    {
        Listen();
        byte[] answer = new DumpResponse([], [], [], [.. Enumerable.Range(0, 10_000).Select(i => Route($"2001:db8:42:{i:x}::/64", flags: 1))]).Encode();
        Task serving = ServeAsync(answer);
        new BabelControlSocket(SocketPath, Patience).Dump(_mailbox.Ref);
        Assert.Equal(10_000, (await _mailbox.NextAsync<RoutesDumped>()).Prefixes.Length);
        await serving;
    }

    [Fact]
    public async Task No_daemon_is_an_answer_that_names_the_socket()
    {
        new BabelControlSocket(SocketPath).Dump(_mailbox.Ref);
        Assert.StartsWith(SocketPath, (await _mailbox.NextAsync<DumpFailed>()).Reason, StringComparison.Ordinal);
        await File.WriteAllTextAsync(SocketPath, "not a socket");
        new BabelControlSocket(SocketPath).Dump(_mailbox.Ref);
        Assert.StartsWith(SocketPath, (await _mailbox.NextAsync<DumpFailed>()).Reason, StringComparison.Ordinal);
        new BabelControlSocket(new string('x', 300)).Dump(_mailbox.Ref);   // longer than a socket's path may be
        _ = await _mailbox.NextAsync<DumpFailed>();
    }

    [Theory]
    [InlineData("", "closed the connection too early")]
    [InlineData("0001", "closed the connection too early")]
    [InlineData("000100000008" + "00", "closed the connection too early")]
    [InlineData("0001ffffffff", "announced more than")]
    [InlineData("000200000001" + "00", "a packet of type 2")]
    [InlineData("000100000002" + "0000", "cannot be read")]
    [InlineData("000100000008" + "000000000000ffff", "cannot be read")]
    public async Task Nonsense_is_an_answer_that_says_what_was_wrong(string hex, string reason)
    {
        Listen();
        Task serving = ServeAsync(Convert.FromHexString(hex));
        new BabelControlSocket(SocketPath).Dump(_mailbox.Ref);
        Assert.Contains(reason, (await _mailbox.NextAsync<DumpFailed>()).Reason, StringComparison.Ordinal);
        await serving;
    }

    [Fact]
    public async Task A_silent_daemon_is_given_up_and_meanwhile_no_other_dump_begins()
    {
        Listen();
        var control = new BabelControlSocket(SocketPath, TimeSpan.FromMilliseconds(200));
        control.Dump(_mailbox.Ref);
        control.Dump(_mailbox.Ref);
        Assert.Contains("another dump", (await _mailbox.NextAsync<DumpFailed>()).Reason, StringComparison.Ordinal);
        Assert.Contains("did not answer within 0.2 s", (await _mailbox.NextAsync<DumpFailed>()).Reason, StringComparison.Ordinal);

        byte[] answer = new DumpResponse([], [], [], []).Encode();
        using Socket abandoned = await AcceptAsync();
        Task serving = ServeAsync(answer);
        new BabelControlSocket(SocketPath).Dump(_mailbox.Ref);
        Assert.Empty((await _mailbox.NextAsync<RoutesDumped>()).Prefixes);
        await serving;
    }

    public void Dispose()
    {
        _daemon.Dispose();
        _mailbox.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Listen()
    {
        _daemon.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _daemon.Listen();
    }

    private async Task<Socket> AcceptAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _daemon.AcceptAsync(patience.Token);
    }

    private async Task ServeAsync(byte[] answer)
    {
        using Socket client = await AcceptAsync();
        using var patience = new CancellationTokenSource(Patience);
        byte[] request = new byte[8];
        await using var stream = new NetworkStream(client);
        await stream.ReadExactlyAsync(request, patience.Token);
        Assert.Equal(ControlPacket.Greeting, request[0]);
        Assert.Equal(ControlPacket.Dump, BinaryPrimitives.ReadUInt16BigEndian(request.AsSpan(1)));
        Assert.Equal((byte)DumpRequest.Usual.Parts, request[7]);
        await stream.WriteAsync(answer.AsMemory(0, answer.Length / 2), patience.Token);
        await stream.WriteAsync(answer.AsMemory(answer.Length / 2), patience.Token);
    }

    private static DumpedRoute Route(string prefix, byte flags) =>
        new(Ipv6Prefix.Parse(prefix), 96, 96, 0, 1, 1, 5, 3, Ipv6Address.Parse("fe80::1"), Ipv6Address.Parse("fe80::1"), flags);
}
