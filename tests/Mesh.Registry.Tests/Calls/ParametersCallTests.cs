using Mesh.Protocol.Registry;
using Mesh.Registry.Rotation;

namespace Mesh.Registry.Tests.Calls;

/// <summary>getNetworkConfig: the encryption for a node is slow, so the same body is given out as long as it is right, and never longer.</summary>
public sealed class ParametersCallTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    [Fact]
    public void The_same_node_gets_the_same_octets_and_another_one_its_own()
    {
        // Real keys: their paddings differ each time, so equal octets can only come from memory.
        var world = new RegistryWorld(authority: RealKeys.Registry());
        var caller = new Caller(world);
        CallingNode a = Join(world, caller, "A"), b = Join(world, caller, "B");
        (NetworkParameters ofA, byte[] bodyOfA) = a.GetParameters();
        (NetworkParameters ofB, byte[] bodyOfB) = b.GetParameters();
        Assert.Equal(bodyOfA, a.GetParameters().Body);
        Assert.Equal(bodyOfB, b.GetParameters().Body);
        Assert.NotEqual(bodyOfA, bodyOfB);
        Assert.Equal(KeyOf("A", ofA), KeyOf("B", ofB));
        Assert.Equal(16, KeyOf("A", ofA).Length);

        Assert.Equal(204, caller.Status("/updateHMAC"));
        (NetworkParameters later, byte[] bodyLater) = a.GetParameters();
        Assert.Equal((ofA.Version.Number + 1, true), (later.Version.Number, later.BabelHmacAccept is not null));
        Assert.Equal(KeyOf("A", ofA), KeyOf("A", later));
        Assert.Equal(bodyLater, a.GetParameters().Body);
        Assert.Equal(later.Version, b.GetParameters().Parameters.Version);
    }

    [Fact]
    public void Nothing_is_encrypted_twice_for_the_same_node_and_version()
    {
        var authority = new ModelledAuthority();
        var world = new RegistryWorld(authority: authority);
        var caller = new Caller(world);
        CallingNode a = caller.Join("a"), b = caller.Join("b");
        for (int time = 0; time < 5; time++)
        {
            _ = a.GetParameters();
            _ = b.GetParameters();
        }

        Assert.Equal(2, authority.Encryptions);
        Assert.Equal(204, caller.Status("/updateHMAC"));   // two keys from now on
        for (int time = 0; time < 5; time++)
            _ = a.GetParameters();
        Assert.Equal(4, authority.Encryptions);
    }

    [Fact]
    public void A_renewed_certificate_and_a_new_owner_get_another_body()
    {
        var authority = new ModelledAuthority();
        var world = new RegistryWorld(authority: authority);
        var caller = new Caller(world);
        _ = caller.Join("registry");
        CallingNode node = caller.Join("node");
        _ = node.GetParameters();
        world.Kit.Advance(TimeSpan.FromDays(340));
        Assert.Equal(200, node.Status("renewCertificate"));   // the same key here, but who renews may come with another one some day
        _ = node.GetParameters();
        Assert.Equal(2, authority.Encryptions);

        Assert.Equal(204, caller.Status("/revoke?cn_or_serial=1%2F16"));
        world.Kit.Advance(Moment);
        CallingNode next = caller.Join("next");
        Assert.Equal(node.Prefix, next.Prefix);
        Assert.Equal([3ul], next.GetParameters().Parameters.RevokedSerials);
        Assert.Equal(3, authority.Encryptions);
        Assert.Equal(400, node.Status("getNetworkConfig"));   // the session is the new owner's
    }

    [Fact]
    public void A_body_that_was_begun_for_an_older_version_is_not_kept_for_the_next()
    {
        var world = new RegistryWorld();
        var caller = new Caller(world);
        CallingNode node = caller.Join();
        world.Pool.Delay = TimeSpan.FromMilliseconds(50);
        Actors.TestKit.TestProbe slow = caller.Begin(node.Request("getNetworkConfig"));   // is encoded while the version changes
        world.Kit.Advance(TimeSpan.FromMilliseconds(20));
        world.Pool.Delay = TimeSpan.FromMilliseconds(1);
        world.Ask<KeysStepped>(world.Actors.Hmac, new UpdateHmac());
        world.Kit.Advance(TimeSpan.FromMilliseconds(20));
        Assert.Equal(2ul, world.Version);
        Assert.Equal(0, slow.PendingCount);
        world.Kit.Advance(Moment);
        Assert.True(NetworkParameters.TryDecode(slow.ExpectMsg<Registry.Calls.RegistryResponse>().Body.Span, out NetworkParameters? old));
        Assert.Equal(1ul, old.Version.Number);
        Assert.Equal(2ul, caller.Hello(node.Prefix).GetParameters().Parameters.Version.Number);
    }

    private static CallingNode Join(RegistryWorld world, Caller caller, string node)
    {
        Protocol.Addressing.NodePrefix prefix = world.Join(node, request: RealKeys.RequestOf(node, ("2.5.4.10", node))).Prefix;
        world.Kit.Advance(Moment);
        return caller.Hello(prefix, open: RealKeys.Open(node));
    }

    private static byte[] KeyOf(string node, NetworkParameters parameters)
    {
        using Security.Keys.PrivateKey key = RealKeys.KeyOf(node);
        Assert.True(key.TryDecrypt(parameters.BabelHmacSign!.Value.AsSpan(), out byte[]? plain));
        return plain;
    }
}
