using Mesh.Simulation.Paper;

namespace Mesh.Simulation.Tests.Paper;

public sealed class TunnelMeshTests
{
    [Fact]
    public void What_is_left_keeps_its_order()
    {
        var mesh = new TunnelMesh(nodes: 5, maxOpened: 3, maxReceived: 3);
        mesh.Open(0, 1);
        mesh.Open(0, 2);
        mesh.Open(0, 3);
        mesh.Open(4, 2);
        mesh.Open(1, 2);
        mesh.Close(0, 1);
        mesh.Open(0, 4);
        Assert.Equal([1, 3, 4], mesh.Opened(0).ToArray());
        Assert.Equal([4, 1], mesh.Received(2).ToArray());
        Assert.Equal((3, 2, 2, 1, 2), (mesh.Arity(0), mesh.Arity(1), mesh.Arity(2), mesh.Arity(3), mesh.Arity(4)));
        Assert.True(mesh.AreNeighbours(4, 0));
        Assert.False(mesh.AreNeighbours(0, 2));
        Assert.Equal(5, mesh.ToGraph().Tunnels);
    }

    [Fact]
    public void One_of_two_parallel_tunnels_is_closed()
    {
        var mesh = new TunnelMesh(nodes: 2, maxOpened: 2, maxReceived: 2);
        mesh.Open(0, 1);
        mesh.Open(0, 1);
        mesh.Close(0, 0);
        Assert.Equal((1, 1), (mesh.Arity(0), mesh.Arity(1)));
    }

    [Fact]
    public void Nobody_gets_more_than_its_limit()
    {
        var mesh = new TunnelMesh(nodes: 3, maxOpened: 2, maxReceived: 1);
        mesh.Open(0, 1);
        Assert.Throws<InvalidOperationException>(() => mesh.Open(2, 1));
        mesh.Open(0, 2);
        Assert.Throws<InvalidOperationException>(() => mesh.Open(0, 2));
    }
}
