"""OpenAPI documents for tests."""

SHOP = {
    "openapi": "3.0.3",
    "info": {"title": "shop", "version": "1"},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "summary": "List orders",
                "parameters": [
                    {"name": "state", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                    {"name": "ids", "in": "query", "explode": False, "schema": {"type": "array"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "post": {
                "operationId": "create order!",
                "requestBody": {"$ref": "#/components/requestBodies/Order"},
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Made"}}}}
                },
            },
        },
        "/pictures": {
            "post": {
                "operationId": "upload",
                "parameters": [{"name": "tenant", "in": "cookie", "required": True, "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "title": {"type": "string"},
                                    "picture": {"type": "string", "format": "binary"},
                                },
                            },
                            "encoding": {"picture": {"contentType": "image/png"}},
                        }
                    },
                },
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}}
                    }
                },
            },
        },
        "/orders/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"summary": "One order"},
            "delete": {"operationId": "drop", "parameters": [{"name": "id", "in": "query", "schema": {}}]},
            "put": {
                "operationId": "form",
                "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}},
            },
            "patch": {
                "operationId": "note",
                "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
            },
        },
    },
    "components": {
        "requestBodies": {
            "Order": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
            }
        },
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {
                    "item": {"type": "string", "nullable": True, "example": "x"},
                    "amount": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                    "part": {"$ref": "#/components/schemas/Order"},
                    "example": {"type": "string"},
                },
            },
            "Made": {
                "type": "object",
                "required": ["amount"],
                "properties": {"amount": {"type": "number"}, "part": {"$ref": "#/components/schemas/Order"}},
            },
            "Unused": {"type": "string"},
        },
    },
}
