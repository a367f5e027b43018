using System.Runtime.InteropServices;

namespace Mesh.Platform.Linux.Mpi;

/// <summary>The calls into Open MPI (<c>mpi.h</c> of version 4.1). Communicators and types are addresses of variables of the library; calls return 0 or an error class.</summary>
internal static unsafe partial class MpiLibrary
{
    /// <summary>Open MPI's since version 2. Other implementations have libraries of other names.</summary>
    public const string Name = "libmpi.so.40";

    /// <summary>MPI_THREAD_FUNNELED: one thread makes all calls.</summary>
    public const int ThreadFunneled = 1;

    /// <summary>MPI_MAX_ERROR_STRING.</summary>
    public const int MaxErrorText = 256;

    [LibraryImport(Name, EntryPoint = "MPI_Init_thread")]
    public static partial int InitThread(int* argumentCount, byte*** arguments, int required, int* provided);

    [LibraryImport(Name, EntryPoint = "MPI_Comm_rank")]
    public static partial int CommRank(nint communicator, int* rank);

    [LibraryImport(Name, EntryPoint = "MPI_Comm_size")]
    public static partial int CommSize(nint communicator, int* size);

    [LibraryImport(Name, EntryPoint = "MPI_Comm_set_errhandler")]
    public static partial int CommSetErrorHandler(nint communicator, nint handler);

    [LibraryImport(Name, EntryPoint = "MPI_Alltoall")]
    public static partial int AllToAll(byte* send, int sendCount, nint sendType, byte* receive, int receiveCount, nint receiveType, nint communicator);

    [LibraryImport(Name, EntryPoint = "MPI_Isend")]
    public static partial int StartSend(byte* octets, int count, nint type, int to, int tag, nint communicator, nint* request);

    [LibraryImport(Name, EntryPoint = "MPI_Irecv")]
    public static partial int StartReceive(byte* octets, int count, nint type, int from, int tag, nint communicator, nint* request);

    [LibraryImport(Name, EntryPoint = "MPI_Waitall")]
    public static partial int WaitAll(int count, nint* requests, nint statuses);

    [LibraryImport(Name, EntryPoint = "MPI_Finalize")]
    public static partial int Finish();

    [LibraryImport(Name, EntryPoint = "MPI_Abort")]
    public static partial int Abort(nint communicator, int exitCode);

    [LibraryImport(Name, EntryPoint = "MPI_Error_string")]
    public static partial int ErrorText(int error, byte* text, int* length);

    // Open MPI reads its settings from the environment of the C library, which .NET's own does not change.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetEnvironment(string name, string value, int replaces);
}
