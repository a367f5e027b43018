using Mesh.Platform.Linux.Mpi;

namespace Mesh.Platform.Linux.Tests.Mpi;

/// <summary>What a process alone can see. Ranks are started by <c>mpirun</c> in Mesh.Cli.Tests.</summary>
public sealed class MpiWorldTests
{
    [Fact]
    public void Where_Open_MPI_is_missing_it_is_said_which_packages_it_is_in()
    {
        MpiException error = Assert.Throws<MpiException>(static () => MpiWorld.Find("libmpi-that-nobody-has.so.40"));
        Assert.Contains("libmpi-that-nobody-has.so.40", error.Message, StringComparison.Ordinal);
        Assert.Contains("libopenmpi3", error.Message, StringComparison.Ordinal);
        Assert.Contains("openmpi-bin", error.Message, StringComparison.Ordinal);
    }
}
