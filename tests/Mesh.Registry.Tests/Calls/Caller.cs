using System.Net;
using System.Text;
using Mesh.Actors.TestKit;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Calls;
using Mesh.Security.Sessions;

namespace Mesh.Registry.Tests.Calls;

/// <summary>Calls the front desk of a registry, as the administrator, strangers and nodes do over HTTP.</summary>
internal sealed class Caller(RegistryWorld world)
{
    public static readonly IPAddress Stranger = IPAddress.Parse("192.0.2.7");

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);   // of clients of re6st

    /// <summary>One call. Without <paramref name="peer"/> it is the administrator's.</summary>
    public RegistryResponse Get(string target, IPAddress? peer = null, string? forwardedFor = null) =>
        Send(new RegistryRequest("GET", target, peer ?? IPAddress.IPv6Loopback) { ForwardedFor = forwardedFor });

    public int Status(string target, IPAddress? peer = null) => Get(target, peer).Status;

    /// <summary>The body of a call that has to succeed.</summary>
    public string Text(string target, IPAddress? peer = null)
    {
        RegistryResponse response = Get(target, peer);
        Assert.Equal(200, response.Status);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    public RegistryResponse Send(RegistryRequest request) => Begin(request).ExpectMsg<RegistryResponse>(Patience);

    /// <summary>A call whose answer the test takes from the probe.</summary>
    public TestProbe Begin(RegistryRequest request)
    {
        TestProbe client = world.Kit.CreateProbe();
        client.Send(world.Actors.Desk, request);
        return client;
    }

    public TestProbe Begin(string target) => Begin(new RegistryRequest("GET", target, IPAddress.IPv6Loopback));

    /// <summary>A node says hello. Models answer with the key in plain; who has a real key opens the envelope.</summary>
    public CallingNode Hello(NodePrefix node, int protocol = 10, Func<byte[], SessionKey>? open = null)
    {
        RegistryResponse hello = Get($"/hello?client_prefix={node.Bits}&protocol={protocol}", Stranger);
        Assert.Equal(200, hello.Status);
        byte[] body = hello.Body.ToArray();
        return new CallingNode(this, node, open?.Invoke(body) ?? new SessionKey(body));
    }

    /// <summary>A node joins with a token of its own, and says hello once the network has parameters.</summary>
    public CallingNode Join(string token = "node", int protocol = 10)
    {
        NodePrefix node = world.Join(token).Prefix;
        world.Kit.Advance(TimeSpan.FromSeconds(1));
        return Hello(node, protocol);
    }
}

/// <summary>A node with a session.</summary>
internal sealed class CallingNode
{
    private readonly Caller _caller;
    private readonly RegistryClientSession _session = new();

    public CallingNode(Caller caller, NodePrefix prefix, SessionKey key)
    {
        (_caller, Prefix) = (caller, prefix);
        _session.Open(key);
    }

    public NodePrefix Prefix { get; }

    /// <summary>A call. Where it succeeds, the answer is proven to be the registry's.</summary>
    public RegistryResponse Get(string method, params (string Name, string Value)[] arguments)
    {
        RegistryResponse response = _caller.Send(Request(method, arguments));
        if (response.Status is 200 or 204)
            Assert.True(_session.Check(response.Mac, response.Body.Span));
        else
            Assert.Null(response.Mac);
        return response;
    }

    public int Status(string method, params (string Name, string Value)[] arguments) => Get(method, arguments).Status;

    /// <summary>The body of a call that has to succeed.</summary>
    public string Text(string method, params (string Name, string Value)[] arguments)
    {
        RegistryResponse response = Get(method, arguments);
        Assert.Equal(200, response.Status);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    /// <summary>The network's parameters and the octets that they came in.</summary>
    public (NetworkParameters Parameters, byte[] Body) GetParameters()
    {
        RegistryResponse response = Get("getNetworkConfig");
        Assert.Equal(200, response.Status);
        Assert.True(NetworkParameters.TryDecode(response.Body.Span, out NetworkParameters? parameters));
        return (parameters, response.Body.ToArray());
    }

    /// <summary>A signed request, for calls whose answer the test awaits by itself.</summary>
    public RegistryRequest Request(string method, params (string Name, string Value)[] arguments)
    {
        string target = RegistryCall.Create(method, [("cn", Prefix.Bits), .. arguments]).Target;
        return new RegistryRequest("GET", target, Caller.Stranger) { Mac = _session.Sign(target) };
    }
}
