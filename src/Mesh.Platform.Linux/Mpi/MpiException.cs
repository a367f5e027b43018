namespace Mesh.Platform.Linux.Mpi;

/// <summary>MPI is not there, or a call failed. The message says which.</summary>
public sealed class MpiException : IOException
{
    /// <summary>Makes one.</summary>
    public MpiException(string message)
        : base(message)
    {
    }
}
