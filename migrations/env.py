"""How alembic runs the migrations: on the connection `service.store.migrate` opened."""

from alembic import context

from service.store.tables import SQLModel

if context.is_offline_mode():
    context.configure(
        url=context.config.attributes["url"],
        target_metadata=SQLModel.metadata,
        literal_binds=True,
    )
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )

with context.begin_transaction():
    context.run_migrations()
