namespace Mesh.Actors;

/// <summary>An actor could not be made.</summary>
public sealed class ActorInitializationException(string message, Exception? inner) : Exception(message, inner);

/// <summary>An actor got a <see cref="Kill"/>.</summary>
public sealed class ActorKilledException(string message) : Exception(message);

/// <summary>A name is taken or malformed.</summary>
public sealed class InvalidActorNameException(string message) : Exception(message);

/// <summary>Too many messages are stashed.</summary>
public sealed class StashOverflowException(string message) : Exception(message);

/// <summary>An ask was not answered in time, or the actor asked is gone.</summary>
public sealed class AskException(string message) : Exception(message);
